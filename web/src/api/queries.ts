/// What is asked of the gateway, under which key it is kept, and for how long.
import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import * as api from "./index.ts";

export const PER_PAGE = 60;
const ITEMS_PER_PAGE = 50;
const JOBS_PER_PAGE = 50;
const MINUTE_MS = 60_000;
const NEAR_MS = 20_000;

// The stream of events keeps jobs fresh: nothing is asked again only because time has passed.
const STREAMED = { staleTime: Number.POSITIVE_INFINITY };

export const jobsQuery = infiniteQueryOptions({
  queryKey: ["jobs"],
  queryFn: async ({ pageParam, signal }) =>
    (await api.listJobs({ query: { limit: JOBS_PER_PAGE, cursor: pageParam }, signal })).data,
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next ?? undefined,
  ...STREAMED,
});

export const jobQuery = (job_id: string) =>
  queryOptions({
    queryKey: ["job", job_id],
    queryFn: async ({ signal }) => (await api.getJob({ path: { job_id }, signal })).data,
    ...STREAMED,
  });

export const progressQuery = (job_id: string) =>
  queryOptions({
    queryKey: ["progress", job_id],
    queryFn: async ({ signal }) => (await api.jobProgress({ path: { job_id }, signal })).data.samples,
  });

export const itemsQuery = (job_id: string, reason: api.Cause["reason"]) =>
  infiniteQueryOptions({
    queryKey: ["items", job_id, reason],
    queryFn: async ({ pageParam, signal }) => {
      const query = { state: "failed" as const, reason, cursor: pageParam, limit: ITEMS_PER_PAGE };
      return (await api.listItems({ path: { job_id }, query, signal })).data;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

const pageKey = (query: api.ImageQuery, page: number) => ["images", "page", query, page] as const;

/**
 * One page of the gallery; kept for a little after it left the screen, so that memory stays flat. Where the gateway finds
 * none so far behind by its number, it is found from its neighbour by a cursor.
 */
export const pageQuery = (query: api.ImageQuery, page: number) =>
  queryOptions({
    queryKey: pageKey(query, page),
    queryFn: async ({ signal, client }) => {
      try {
        return (await api.listImages({ query: { ...query, page, per_page: PER_PAGE }, signal })).data;
      } catch (error) {
        const found = isTooFar(error) ? await besideKnown(client, query, page, signal) : null;
        if (found) return found;
        throw error;
      }
    },
    staleTime: MINUTE_MS,
    gcTime: NEAR_MS,
  });

/** Whether a page was refused because it is too far behind to be found by its number. */
export const isTooFar = (error: unknown): boolean => api.isRefused(error, 400);

async function besideKnown(
  client: QueryClient,
  query: api.ImageQuery,
  page: number,
  signal: AbortSignal,
): Promise<api.ImagePage | null> {
  const after = client.getQueryData<api.ImagePage>(pageKey(query, page - 1))?.after;
  if (after) {
    const data = await filled(query, after, signal);
    const seen = (page - 1) * PER_PAGE + data.items.length;
    const total = Math.max(data.total, data.after ? seen + 1 : seen);
    return { ...data, total, total_exact: data.total_exact || !data.after };
  }
  const before = client.getQueryData<api.ImagePage>(pageKey(query, page + 1))?.before;
  if (!before) return null;
  const data = await filled({ ...query, sort: reversed(query.sort) }, before, signal);
  return { ...data, items: data.items.toReversed(), after: data.before, before: data.after };
}

/** A page by a cursor, which may come in parts: some are short, or empty, although more follow. */
async function filled(query: api.ImageQuery, cursor: string, signal: AbortSignal): Promise<api.ImagePage> {
  let { data } = await api.listImages({ query: { ...query, cursor, limit: PER_PAGE }, signal });
  while (data.after && data.items.length < PER_PAGE) {
    const rest = { cursor: data.after, limit: PER_PAGE - data.items.length };
    // oxlint-disable-next-line no-await-in-loop -- each begins where the one before ended
    const more = (await api.listImages({ query: { ...query, ...rest }, signal })).data;
    data = { ...more, items: [...data.items, ...more.items], before: data.before };
  }
  return data;
}

function reversed(sort: api.ImageQuery["sort"] = "created"): api.ImageQuery["sort"] {
  return (sort.startsWith("-") ? sort.slice(1) : `-${sort}`) as api.ImageQuery["sort"];
}

export const imageQuery = (image_id: number) =>
  queryOptions({
    queryKey: ["images", "one", image_id],
    queryFn: async ({ signal }) => (await api.getImage({ path: { image_id }, signal })).data,
    staleTime: MINUTE_MS,
  });

export const timelineQuery = ({ sort: _sort, ...query }: api.ImageQuery) =>
  queryOptions({
    queryKey: ["images", "timeline", query],
    queryFn: async ({ signal }) => (await api.imageTimeline({ query, signal })).data,
    staleTime: MINUTE_MS,
    placeholderData: keepPreviousData,
  });

export const facetsQuery = queryOptions({
  queryKey: ["images", "facets"],
  queryFn: async ({ signal }) => (await api.imageFacets({ signal })).data,
  staleTime: MINUTE_MS,
});

export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: async ({ signal }) => (await api.system({ signal })).data,
  ...STREAMED,
});

/** The verdict on a link, while it is typed: its shape alone. */
export const checkQuery = (url: string) =>
  queryOptions({
    queryKey: ["check", url],
    queryFn: async ({ signal }) => (await api.checkLink({ query: { url }, signal })).data,
    enabled: url !== "",
    retry: false,
    staleTime: MINUTE_MS,
  });

export const previewQuery = (asked: api.ImportRequest) =>
  queryOptions({
    queryKey: ["preview", asked],
    queryFn: async ({ signal }) => (await api.preview({ body: asked, signal })).data,
    retry: false,
    staleTime: MINUTE_MS,
    placeholderData: keepPreviousData,
  });
