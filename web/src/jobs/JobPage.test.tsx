import { screen, waitFor } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { applyJobUpdate } from "@/api/eventStream.ts";
import { aJob, renderAt } from "@/shell/testing.tsx";

const failed = aJob({
  state: "completed",
  listing_done: true,
  discovered: 3,
  processed: 3,
  stored: 1,
  failed: 2,
  rate: null,
  actions: ["retry"],
  finished_at: "2026-11-20T12:03:00.000Z",
  failures: [
    {
      reason: "forbidden",
      title: "The owner does not permit downloads",
      mender: "owner",
      mend: "Ask the owner.",
      count: 2,
    },
  ],
});

describe("an active job", () => {
  test("shows that files are still being counted, and no time left", async () => {
    renderAt(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    expect(await screen.findByText(/of 10,240\+ files \(still counting\)/)).toBeVisible();
    expect(screen.queryByText("Time left")).toBeNull();
    expect(screen.getByText("42 files/s · 84.0 MB/s")).toBeVisible();
  });

  test("shows the time left as a range once there is an estimate", async () => {
    renderAt(`/jobs/${aJob().id}`, { jobs: [aJob({ listing_done: true, eta: { min_s: 130, max_s: 250 } })] });
    expect(await screen.findByText("2–4 min")).toBeVisible();
  });

  test("offers only the actions that its state permits", async () => {
    renderAt(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    expect(await screen.findByRole("button", { name: "Pause" })).toBeEnabled();
    expect(screen.getByRole("button", { name: "Cancel" })).toBeEnabled();
    expect(screen.queryByRole("button", { name: "Resume" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  test("is updated by events without a refetch", async () => {
    const queryClient = renderAt(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    await screen.findByText("Importing", { selector: "[role=status]" });
    applyJobUpdate(queryClient, aJob({ state: "paused", actions: ["resume", "cancel"] }));
    expect(await screen.findByRole("button", { name: "Resume" })).toBeEnabled();
    expect(screen.getByText("Paused", { selector: "[role=status]" })).toBeInTheDocument();
  });
});

describe("a finished job", () => {
  test("shows why files failed, who can fix it and how", async () => {
    renderAt(`/jobs/${failed.id}`, { jobs: [failed] });
    expect(await screen.findByRole("heading", { name: "2 files failed" })).toBeVisible();
    expect(screen.getByRole("heading", { name: /^2 files: The owner does not permit downloads/ })).toBeVisible();
    expect(screen.getByText("The folder's owner can fix this.")).toBeVisible();
    expect(screen.getByRole("button", { name: /^Retry 2 files ?:/ })).toBeEnabled();
  });

  test("has a receipt and a link to its images", async () => {
    renderAt(`/jobs/${failed.id}`, { jobs: [failed] });
    expect(await screen.findByRole("heading", { name: "Receipt" })).toBeVisible();
    expect(screen.getByRole("link", { name: "View 1 image in the gallery" })).toHaveAttribute(
      "href",
      `/gallery?job=${failed.id}`,
    );
  });

  test("is announced to screen readers in one sentence", async () => {
    renderAt(`/jobs/${failed.id}`, { jobs: [failed] });
    await waitFor(() => expect(screen.getByText("Done: 1 stored, 0 skipped, 2 failed")).toBeInTheDocument());
  });
});

test("a new job is the first in the list", async () => {
  const queryClient = renderAt("/jobs", { jobs: [failed] });
  await screen.findByRole("link", { name: "Holiday" });
  applyJobUpdate(queryClient, aJob({ id: "another", folder_name: "Newer" }));
  await screen.findByRole("link", { name: "Newer" });
  expect(screen.getAllByRole("article").map((article) => article.querySelector("h2")?.textContent)).toEqual([
    "Newer",
    "Holiday",
  ]);
});
