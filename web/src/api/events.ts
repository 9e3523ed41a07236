/// The one stream of events: it keeps what the views show as the catalog has it.
import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { isUnderWay } from "@/shell/wording.ts";
import type { Job, JobDetail, JobList } from "./generated/types.gen";
import { jobQuery, jobsQuery } from "./queries.ts";

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;
const CAUSES_EVERY_MS = 2000;

export interface Sight {
  /** Whether the stream stands; null until that is known. */
  live: boolean | null;
  /** Images stored since this page was opened, as far as the stream told. */
  arrived: number;
}

let sight: Sight = { live: null, arrived: 0 };
const watchers = new Set<() => void>();

/** What the stream itself tells. */
export function useSight(): Sight {
  return useSyncExternalStore(watch, () => sight);
}

/** Follow the stream until the answer is called; it is taken up again whenever it breaks, and no event is lost. */
export function follow(queries: QueryClient): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout>;
  let pause_ms = RETRY_MIN_MS;
  let last_id = "";

  function open(): void {
    source = new EventSource(last_id ? `/api/events?last_event_id=${encodeURIComponent(last_id)}` : "/api/events");
    source.addEventListener("open", () => {
      // What happened while nothing was heard and no id was known is asked for.
      if (sight.live === false && !last_id) void queries.invalidateQueries();
      pause_ms = RETRY_MIN_MS;
      see({ live: true });
    });
    source.addEventListener("error", () => {
      see({ live: false });
      // The browser tries again by itself, but not when it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, pause_ms);
      pause_ms = Math.min(pause_ms * 2, RETRY_MAX_MS);
      void queries.invalidateQueries({ queryKey: jobsQuery.queryKey });
    });
    on<Job>("job", (job) => settle(queries, job));
    on<{ stored: number }>("images", ({ stored }) => see({ arrived: sight.arrived + stored }));
    on("images-deleted", () => void queries.invalidateQueries({ queryKey: ["images"] }));
    on("reset", () => void queries.invalidateQueries());
  }

  function on<T>(kind: string, heard: (told: T) => void): void {
    source.addEventListener(kind, (event: MessageEvent<string>) => {
      last_id = event.lastEventId || last_id;
      heard(JSON.parse(event.data) as T);
    });
  }

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** Put a job's latest state where the views look for it. */
export function settle(queries: QueryClient, job: Job): void {
  queries.setQueryData<InfiniteData<JobList, string | undefined>>(
    jobsQuery.queryKey,
    (kept) => kept && withJob(kept, job),
  );
  const { queryKey } = jobQuery(job.id);
  const before = queries.getQueryData<JobDetail>(queryKey);
  if (!before) return;
  queries.setQueryData<JobDetail>(queryKey, { ...before, ...job });
  const ended = !isUnderWay(job) && isUnderWay(before);
  if (ended || job.failed !== before.failed || job.skipped !== before.skipped) refreshCauses(queries, job.id, ended);
  if (ended) void queries.invalidateQueries({ queryKey: ["images", "facets"] });
}

function withJob(kept: InfiniteData<JobList, string | undefined>, job: Job): InfiniteData<JobList, string | undefined> {
  const known = kept.pages.some((page) => page.items.some(({ id }) => id === job.id));
  const pages = kept.pages.map((page, i) => ({
    ...page,
    items: known
      ? page.items.map((item) => (item.id === job.id ? job : item))
      : i === 0
        ? [job, ...page.items]
        : page.items,
  }));
  return { ...kept, pages };
}

const refreshing = new Map<string, ReturnType<typeof setTimeout>>();

/** An event tells how many failed; why is asked for, not more often than every other second. */
function refreshCauses(queries: QueryClient, job_id: string, now: boolean): void {
  if (refreshing.has(job_id) && !now) return;
  clearTimeout(refreshing.get(job_id));
  const refresh = (): void => {
    refreshing.delete(job_id);
    void queries.invalidateQueries({ queryKey: jobQuery(job_id).queryKey });
    void queries.invalidateQueries({ queryKey: ["items", job_id] });
  };
  refreshing.set(job_id, setTimeout(refresh, now ? 0 : CAUSES_EVERY_MS));
}

function see(change: Partial<Sight>): void {
  sight = { ...sight, ...change };
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
