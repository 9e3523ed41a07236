/// Query definitions: what to fetch, under which cache key, and for how long the result is fresh.
import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import * as api from "./index.ts";

export const PER_PAGE = 60;
const ITEMS_PER_PAGE = 50;
const JOBS_PER_PAGE = 50;
const MINUTE_MS = 60_000;
const PAGE_CACHE_MS = 20_000;

// The event stream keeps these up to date, so they never become stale with time.
const UPDATED_BY_EVENTS = { staleTime: Number.POSITIVE_INFINITY };

export const jobsQuery = infiniteQueryOptions({
  queryKey: ["jobs"],
  queryFn: async ({ pageParam, signal }) =>
    (await api.listJobs({ query: { limit: JOBS_PER_PAGE, cursor: pageParam }, signal })).data,
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next ?? undefined,
  ...UPDATED_BY_EVENTS,
});

export const jobQuery = (job_id: string) =>
  queryOptions({
    queryKey: ["job", job_id],
    queryFn: async ({ signal }) => (await api.getJob({ path: { job_id }, signal })).data,
    ...UPDATED_BY_EVENTS,
  });

export const progressQuery = (job_id: string) =>
  queryOptions({
    queryKey: ["progress", job_id],
    queryFn: async ({ signal }) => (await api.jobProgress({ path: { job_id }, signal })).data.samples,
  });

export const itemsQuery = (job_id: string, reason: api.ReasonCount["reason"]) =>
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
 * One page of the gallery. The cache drops it soon after it leaves the screen, which bounds memory. The API limits how far
 * `page` may go; beyond that, the page is fetched with the cursor of a neighbouring page that is in the cache.
 */
export const pageQuery = (query: api.ImageQuery, page: number) =>
  queryOptions({
    queryKey: pageKey(query, page),
    queryFn: async ({ signal, client }) => {
      try {
        return (await api.listImages({ query: { ...query, page, per_page: PER_PAGE }, signal })).data;
      } catch (error) {
        const neighbour = isTooFar(error) ? await fetchFromNeighbour(client, query, page, signal) : null;
        if (neighbour) return neighbour;
        throw error;
      }
    },
    staleTime: MINUTE_MS,
    gcTime: PAGE_CACHE_MS,
  });

/** Whether the API rejected a page number as too high. */
export const isTooFar = (error: unknown): boolean => api.hasStatus(error, 400);

/** Return null when neither neighbour is in the cache. */
async function fetchFromNeighbour(
  client: QueryClient,
  query: api.ImageQuery,
  page: number,
  signal: AbortSignal,
): Promise<api.ImagePage | null> {
  const after = client.getQueryData<api.ImagePage>(pageKey(query, page - 1))?.after;
  if (after) {
    const data = await fetchFullPage(query, after, signal);
    const count = (page - 1) * PER_PAGE + data.items.length;
    const total = Math.max(data.total, data.after ? count + 1 : count);
    return { ...data, total, total_exact: data.total_exact || !data.after };
  }
  const before = client.getQueryData<api.ImagePage>(pageKey(query, page + 1))?.before;
  if (!before) return null;
  const data = await fetchFullPage({ ...query, sort: reversed(query.sort) }, before, signal);
  return { ...data, items: data.items.toReversed(), after: data.before, before: data.after };
}

/** Follow cursors until the page is full: a response may hold fewer images than requested although more follow. */
async function fetchFullPage(query: api.ImageQuery, cursor: string, signal: AbortSignal): Promise<api.ImagePage> {
  let { data } = await api.listImages({ query: { ...query, cursor, limit: PER_PAGE }, signal });
  while (data.after && data.items.length < PER_PAGE) {
    const rest = { cursor: data.after, limit: PER_PAGE - data.items.length };
    // oxlint-disable-next-line no-await-in-loop -- each request needs the previous cursor
    const more = (await api.listImages({ query: { ...query, ...rest }, signal })).data;
    data = { ...more, items: [...data.items, ...more.items], before: data.before };
  }
  return data;
}

function reversed(sort: api.ImageQuery["sort"] = "created"): api.ImageQuery["sort"] {
  return (sort.startsWith("-") ? sort.slice(1) : `-${sort}`) as api.ImageQuery["sort"];
}

export const imageDetailQuery = (image_id: number) =>
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
  ...UPDATED_BY_EVENTS,
});

/** Check a link's syntax while the user types. Nothing is requested from the source. */
export const checkQuery = (url: string) =>
  queryOptions({
    queryKey: ["check", url],
    queryFn: async ({ signal }) => (await api.checkLink({ query: { url }, signal })).data,
    enabled: url !== "",
    retry: false,
    staleTime: MINUTE_MS,
  });

export const previewQuery = (request: api.ImportRequest) =>
  queryOptions({
    queryKey: ["preview", request],
    queryFn: async ({ signal }) => (await api.previewImport({ body: request, signal })).data,
    retry: false,
    staleTime: MINUTE_MS,
    placeholderData: keepPreviousData,
  });
