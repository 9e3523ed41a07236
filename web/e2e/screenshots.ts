/// Takes screenshots of every view: light and dark, desktop and phone, empty and full, with errors. tests/e2e keeps some.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { env, fetchJson, FOLDER_URL, openPage, SERVER_URL, testDrive } from "./browser.ts";

const TARGET_FOLDER = process.env.SHOTS ?? ".";
const SCREENS = { wide: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const SETTLE_MS = 700;

interface View {
  path: string;
  /** A selector that matches once the view has loaded. */
  ready: string;
  before?: (page: Page) => Promise<unknown>;
  server?: string;
}

async function capture(name: string, { path, ready, before, server = SERVER_URL }: View): Promise<void> {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await openPage(path, { viewport, colorScheme }, server);
      await page.locator(ready).first().waitFor();
      await before?.(page);
      await sleep(SETTLE_MS);
      await page.screenshot({ path: `${TARGET_FOLDER}/${name}-${screen}-${colorScheme}.png` });
      await page.context().close();
    }
  }
}

const post = <T>(path: string, body: object): Promise<T> =>
  fetchJson<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const areImagesShown = (): boolean =>
  [...document.querySelectorAll("[role=gridcell] img")].every((image) => image.hasAttribute("data-shown"));

async function imagesShown(page: Page): Promise<void> {
  await page.waitForFunction(areImagesShown, null, { timeout: 60_000 });
}

const thumbnailsLoaded = (page: Page) =>
  page.waitForFunction(() => [...document.images].every(({ complete }) => complete), null, { timeout: 30_000 });

const previewOf = (url: string): View => ({
  path: `/import?url=${encodeURIComponent(url)}`,
  ready: "#preview",
  before: thumbnailsLoaded,
});

/** Make every list of images fail. */
async function failImageLists(page: Page): Promise<void> {
  await page.route("**/api/images?*", (route) =>
    route.fulfill({
      status: 400,
      contentType: "application/problem+json",
      body: JSON.stringify({ detail: "The database can't be reached. Try again in a moment." }),
    }),
  );
  await page.reload();
  await page.getByRole("alert").first().waitFor();
}

async function importFolder(folder_url: string): Promise<string> {
  const { job_id } = await post<{ job_id: string }>("/api/import/google-drive", { folder_url });
  for (let status = ""; status !== "completed"; await sleep(250)) {
    ({ status } = await fetchJson<{ status: string }>(`/api/import/status/${job_id}`));
  }
  return job_id;
}

const showFiles = (page: Page) => page.getByRole("button", { name: "Files", exact: true }).first().click();

test("screenshots of every view", async () => {
  await mkdir(TARGET_FOLDER, { recursive: true });
  await capture("first", { path: "/", ready: "text=No imports yet" });
  await capture("empty", { path: "/gallery", ready: "text=No images yet" });
  await capture("wrong", { path: "/import?url=https://example.com/album", ready: "#link-status[data-error]" });
  await capture("signin", { path: "/gallery", ready: "text=Access token", server: env("LOCKED_URL") });
  await capture("plan", previewOf(FOLDER_URL));

  await testDrive.injectFault({ kind: "cannotDownloadFile", file: "*o*.jpg" });
  await testDrive.injectFault({ kind: "notFound", file: "IMG_220[1-4].jpg" });
  const { job_id } = await post<{ job_id: string }>("/api/import/google-drive", { folder_url: FOLDER_URL });
  await sleep(1500);
  await capture("running", { path: `/jobs/${job_id}`, ready: "text=Stored" });
  for (let status = ""; status !== "completed"; await sleep(250)) {
    ({ status } = await fetchJson<{ status: string }>(`/api/import/status/${job_id}`));
  }
  await capture("failures", { path: `/jobs/${job_id}`, ready: "text=Receipt", before: showFiles });
  await testDrive.clearFaults();
  await post(`/api/jobs/${job_id}/retry`, {});
  await sleep(4000);

  await capture("jobs", { path: "/jobs", ready: "article" });
  await capture("gallery", { path: "/gallery", ready: "[role=gridcell] img", before: imagesShown });
  await capture("one", { path: "/gallery?q=DSC_4107", ready: "[role=gridcell] img", before: imagesShown });
  const { items } = await fetchJson<{ items: { id: number }[] }>("/api/images?q=DSC_4107&per_page=1");
  await capture("image", { path: `/gallery/${items[0]?.id}`, ready: ".yarl__slide_image" });
  const selectTwo = async (page: Page): Promise<void> => {
    await imagesShown(page);
    for (const i of [1, 2])
      await page
        .getByRole("gridcell")
        .nth(i)
        .click({ modifiers: ["Control"] });
  };
  await capture("selected", { path: "/gallery", ready: "[role=gridcell] img", before: selectTwo });
  await capture("filters", {
    path: "/gallery?type=image/jpeg&size_min=1000",
    ready: "[role=gridcell] img",
    before: (page) => page.getByRole("button", { name: /^Filters/ }).click(),
  });
  await capture("shortcuts", { path: "/jobs", ready: "article", before: (page) => page.keyboard.press("?") });
  await capture("palette", { path: "/jobs", ready: "article", before: (page) => page.keyboard.press("Control+k") });

  await capture("error", { path: "/gallery", ready: "[role=gridcell] img", before: failImageLists });
  await capture("no-job", { path: "/jobs/none", ready: "[role=alert]" });
  await capture("no-image", { path: "/gallery/999999", ready: "text=This image can't be shown" });
  await capture("no-match", { path: "/gallery?q=no-such-image", ready: "text=No images match" });
  await capture("not-found", { path: "/jobs/no/such/page", ready: "text=Page not found" });

  const long = env("LONG_FOLDER_URL");
  await capture("long-plan", previewOf(long));
  const long_job = await importFolder(long);
  await capture("long-job", { path: `/jobs/${long_job}`, ready: "text=Receipt", before: showFiles });
  await capture("long-gallery", {
    path: `/gallery?job=${long_job}`,
    ready: "[role=gridcell] img",
    before: imagesShown,
  });
  const { items: named } = await fetchJson<{ items: { id: number }[] }>(`/api/images?job_id=${long_job}&per_page=1`);
  await capture("long-image", { path: `/gallery/${named[0]?.id}`, ready: ".yarl__slide_image" });

  const many = { ready: "[role=gridcell] img", before: imagesShown, server: env("MANY_URL") };
  await capture("many", { path: "/gallery", ...many });
  const scrollToEnd = async (page: Page): Promise<void> => {
    await page.getByTestId("gallery").evaluate((grid) => (grid.scrollTop = grid.scrollHeight));
    await page.locator('[data-index="99999"]').waitFor();
    await imagesShown(page);
  };
  await capture("many-end", { path: "/gallery?sort=name", ...many, before: scrollToEnd });
});
