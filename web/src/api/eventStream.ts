/// The tab's one Server-Sent Events connection. It keeps the cached queries up to date with the catalog.
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { isActive } from "@/shell/format.ts";
import type { Job, JobDetail, JobList } from "./generated/types.gen";
import { jobQuery, jobsQuery, progressQuery } from "./queries.ts";

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;
const REFETCH_REASONS_EVERY_MS = 2000;

export interface EventStreamState {
  /** Null until the first connection attempt has succeeded or failed. */
  isConnected: boolean | null;
  /** Images stored since the page was opened, as far as events have reported. */
  imagesStored: number;
}

let state: EventStreamState = { isConnected: null, imagesStored: 0 };
const listeners = new Set<() => void>();

export function useEventStream(): EventStreamState {
  return useSyncExternalStore(subscribe, () => state);
}

/**
 * Open the stream, and reconnect whenever it breaks. `last_event_id` makes the server replay the events that were
 * missed. Return a function that closes the stream.
 */
export function connectEventStream(queryClient: QueryClient): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout>;
  let retry_ms = RETRY_MIN_MS;
  let last_id = "";

  function open(): void {
    source = new EventSource(last_id ? `/api/events?last_event_id=${encodeURIComponent(last_id)}` : "/api/events");
    source.addEventListener("open", () => {
      // Without an event id there is nothing to replay from: refetch everything.
      if (state.isConnected === false && !last_id) void queryClient.invalidateQueries();
      retry_ms = RETRY_MIN_MS;
      setState({ isConnected: true });
    });
    source.addEventListener("error", () => {
      setState({ isConnected: false });
      // The browser reconnects by itself, except after an HTTP error.
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, retry_ms);
      retry_ms = Math.min(retry_ms * 2, RETRY_MAX_MS);
      void queryClient.invalidateQueries({ queryKey: jobsQuery.queryKey });
    });
    on<Job>("job", (job) => applyJobUpdate(queryClient, job));
    on<{ stored: number }>("images", ({ stored }) => setState({ imagesStored: state.imagesStored + stored }));
    on("images-deleted", () => void queryClient.invalidateQueries({ queryKey: ["images"] }));
    on("reset", () => void queryClient.invalidateQueries());
  }

  function on<T>(kind: string, handle: (payload: T) => void): void {
    source.addEventListener(kind, (event: MessageEvent<string>) => {
      last_id = event.lastEventId || last_id;
      handle(JSON.parse(event.data) as T);
    });
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** Write a job's latest state into every cached query that holds the job. */
export function applyJobUpdate(queryClient: QueryClient, job: Job): void {
  queryClient.setQueryData<InfiniteData<JobList, string | undefined>>(
    jobsQuery.queryKey,
    (cached) => cached && withJob(cached, job),
  );
  const { queryKey } = jobQuery(job.id);
  const before = queryClient.getQueryData<JobDetail>(queryKey);
  if (!before) return;
  queryClient.setQueryData<JobDetail>(queryKey, { ...before, ...job });
  const hasEnded = !isActive(job) && isActive(before);
  if (hasEnded || job.failed !== before.failed || job.skipped !== before.skipped)
    refetchReasons(queryClient, job.id, { immediately: hasEnded });
  if (hasEnded) {
    void queryClient.invalidateQueries({ queryKey: ["images", "facets"] });
    void queryClient.invalidateQueries({ queryKey: progressQuery(job.id).queryKey });
  }
}

function withJob(
  cached: InfiniteData<JobList, string | undefined>,
  job: Job,
): InfiniteData<JobList, string | undefined> {
  const isListed = cached.pages.some((page) => page.items.some(({ id }) => id === job.id));
  const pages = cached.pages.map((page, i) => ({
    ...page,
    items: isListed
      ? page.items.map((item) => (item.id === job.id ? job : item))
      : i === 0
        ? [job, ...page.items]
        : page.items,
  }));
  return { ...cached, pages };
}

const pendingRefetches = new Map<string, ReturnType<typeof setTimeout>>();

/** Events carry how many files failed, not why. Refetch the reasons, throttled for each job. */
function refetchReasons(queryClient: QueryClient, job_id: string, { immediately }: { immediately: boolean }): void {
  if (pendingRefetches.has(job_id) && !immediately) return;
  clearTimeout(pendingRefetches.get(job_id));
  const refetch = (): void => {
    pendingRefetches.delete(job_id);
    void queryClient.invalidateQueries({ queryKey: jobQuery(job_id).queryKey });
    void queryClient.invalidateQueries({ queryKey: ["items", job_id] });
  };
  pendingRefetches.set(job_id, setTimeout(refetch, immediately ? 0 : REFETCH_REASONS_EVERY_MS));
}

function setState(change: Partial<EventStreamState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
