import { screen, waitFor } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { settle } from "@/api/events.ts";
import { aJob, show } from "@/shell/testing.tsx";

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

describe("a job that runs", () => {
  test("says that it is still counting, and promises no end", async () => {
    show(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    expect(await screen.findByText(/of 10,240\+ \(still counting\)/)).toBeVisible();
    expect(screen.queryByText("Left")).toBeNull();
    expect(screen.getByText("42 files/s · 84.0 MB/s")).toBeVisible();
  });

  test("tells what is left as a range, once that is known", async () => {
    show(`/jobs/${aJob().id}`, { jobs: [aJob({ listing_done: true, eta: { min_s: 130, max_s: 250 } })] });
    expect(await screen.findByText("2–4 min")).toBeVisible();
  });

  test("offers what is possible, and nothing else", async () => {
    show(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    expect(await screen.findByRole("button", { name: "Pause" })).toBeEnabled();
    expect(screen.getByRole("button", { name: "Cancel" })).toBeEnabled();
    expect(screen.queryByRole("button", { name: "Resume" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  test("changes as events tell, without being asked for again", async () => {
    const queries = show(`/jobs/${aJob().id}`, { jobs: [aJob()] });
    await screen.findByText("Importing", { selector: "[role=status]" });
    settle(queries, aJob({ state: "paused", actions: ["resume", "cancel"] }));
    expect(await screen.findByRole("button", { name: "Resume" })).toBeEnabled();
    expect(screen.getByText("Paused", { selector: "[role=status]" })).toBeInTheDocument();
  });
});

describe("a job that ended", () => {
  test("tells why files failed, who can mend it and how", async () => {
    show(`/jobs/${failed.id}`, { jobs: [failed] });
    expect(await screen.findByRole("heading", { name: "2 files failed" })).toBeVisible();
    expect(screen.getByRole("heading", { name: /2 The owner does not permit downloads/ })).toBeVisible();
    expect(screen.getByText("The folder’s owner can mend it.")).toBeVisible();
    expect(screen.getByRole("button", { name: /^Retry ?those/ })).toBeEnabled();
  });

  test("has a receipt, and a way to its pictures", async () => {
    show(`/jobs/${failed.id}`, { jobs: [failed] });
    expect(await screen.findByRole("heading", { name: "Receipt" })).toBeVisible();
    expect(screen.getByRole("link", { name: "See the picture" })).toHaveAttribute("href", `/gallery?job=${failed.id}`);
  });

  test("is told to a screen reader in one sentence", async () => {
    show(`/jobs/${failed.id}`, { jobs: [failed] });
    await waitFor(() => expect(screen.getByText("Done: 1 stored, 0 skipped, 2 failed")).toBeInTheDocument());
  });
});

test("a job that is new is the first of the history", async () => {
  const queries = show("/jobs", { jobs: [failed] });
  await screen.findByRole("link", { name: "Holiday" });
  settle(queries, aJob({ id: "another", folder_name: "Newer" }));
  await screen.findByRole("link", { name: "Newer" });
  expect(screen.getAllByRole("article").map((article) => article.querySelector("h2")?.textContent)).toEqual([
    "Newer",
    "Holiday",
  ]);
});
