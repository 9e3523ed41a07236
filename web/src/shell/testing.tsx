/// Test helpers: render the real routes with the API responses that a test supplies.
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { JobDetail } from "@/api/index.ts";
import { jobQuery, jobsQuery } from "@/api/queries.ts";
import { makeRouter } from "./routes.tsx";
import { theme } from "./theme.ts";

/** Render the view at `path`. Cached queryClient are never refetched. */
export function renderAt(path: string, { jobs = [] }: { jobs?: JobDetail[] }): QueryClient {
  const queryClient = new QueryClient({
    defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } },
  });
  queryClient.setQueryData(jobsQuery.queryKey, { pages: [{ items: jobs, next: null }], pageParams: [undefined] });
  for (const job of jobs) {
    queryClient.setQueryData(jobQuery(job.id).queryKey, job);
    queryClient.setQueryData(["progress", job.id], []);
  }
  render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={makeRouter(createMemoryHistory({ initialEntries: [path] }))} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return queryClient;
}

/** Return a job that has just started, with `overrides`. */
export function aJob(overrides: Partial<JobDetail> = {}): JobDetail {
  const id = overrides.id ?? "11111111-2222-3333-4444-555555555555";
  return {
    id,
    state: "running",
    reason: null,
    detail: null,
    mender: null,
    source: "google_drive",
    source_url: "https://drive.google.com/drive/folders/1AbCdEf",
    folder_id: "1AbCdEf",
    folder_name: "Holiday",
    store: "file:///store",
    options: { recursive: true, include: [], exclude: [], mime_types: [] } as unknown as JobDetail["options"],
    priority: 0,
    webhook_url: null,
    webhook: null,
    actions: ["pause", "cancel"],
    listing_done: false,
    discovered: 10_240,
    processed: 1200,
    stored: 1200,
    skipped: 0,
    unchanged: 0,
    failed: 0,
    bytes_discovered: 0,
    bytes_stored: 2_400_000_000,
    bytes_transferred: 0,
    rate: { files_per_second: 42, bytes_per_second: 84_000_000 },
    eta: null,
    created_at: "2026-11-20T12:00:00.000Z",
    started_at: "2026-11-20T12:00:01.000Z",
    finished_at: null,
    links: { self: "", status: "", manifest: "", events: "" },
    failures: [],
    skips: [],
    ...overrides,
  };
}
