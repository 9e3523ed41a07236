/// The main views as pictures: light and dark, wide and narrow; nothing, one, many, trouble. tests/e2e says which are kept.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { ask, drive, FOLDER, GATEWAY, given, openPage } from "./browser.ts";

const FOLDER_OF_SHOTS = process.env.SHOTS ?? ".";
const SCREENS = { wide: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const SETTLED_MS = 700;

interface View {
  path: string;
  /** What is there once the view is. */
  ready: string;
  before?: (page: Page) => Promise<unknown>;
  gateway?: string;
}

async function shoot(name: string, { path, ready, before, gateway = GATEWAY }: View): Promise<void> {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await openPage(path, { viewport, colorScheme }, gateway);
      await page.locator(ready).first().waitFor();
      await before?.(page);
      await sleep(SETTLED_MS);
      await page.screenshot({ path: `${FOLDER_OF_SHOTS}/${name}-${screen}-${colorScheme}.png` });
      await page.context().close();
    }
  }
}

const post = <T>(path: string, body: object): Promise<T> =>
  ask<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const allShown = (): boolean =>
  [...document.querySelectorAll("[role=gridcell] img")].every((image) => image.hasAttribute("data-shown"));

async function pictures(page: Page): Promise<void> {
  await page.waitForFunction(allShown, null, { timeout: 60_000 });
}

const glimpsed = (page: Page) =>
  page.waitForFunction(() => [...document.images].every(({ complete }) => complete), null, { timeout: 30_000 });

const planOf = (url: string): View => ({
  path: `/import?url=${encodeURIComponent(url)}`,
  ready: "#plan",
  before: glimpsed,
});

/** As if the gateway refused every list of images. */
async function refuse(page: Page): Promise<void> {
  await page.route("**/api/images?*", (route) =>
    route.fulfill({
      status: 400,
      contentType: "application/problem+json",
      body: JSON.stringify({ detail: "The catalog does not answer: try again in a moment." }),
    }),
  );
  await page.reload();
  await page.getByRole("alert").first().waitFor();
}

async function importAll(folder_url: string): Promise<string> {
  const { job_id } = await post<{ job_id: string }>("/api/import/google-drive", { folder_url });
  for (let status = ""; status !== "completed"; await sleep(250)) {
    ({ status } = await ask<{ status: string }>(`/api/import/status/${job_id}`));
  }
  return job_id;
}

const showFiles = (page: Page) => page.getByRole("button", { name: "Files", exact: true }).first().click();

test("every view, as a picture", async () => {
  await mkdir(FOLDER_OF_SHOTS, { recursive: true });
  await shoot("first", { path: "/", ready: "text=Nothing imported yet" });
  await shoot("empty", { path: "/gallery", ready: "text=No images yet" });
  await shoot("wrong", { path: "/import?url=https://example.com/album", ready: "#verdict[data-wrong]" });
  await shoot("signin", { path: "/gallery", ready: "text=Please sign in", gateway: given("LOCKED_URL") });
  await shoot("plan", planOf(FOLDER));

  await drive.break({ kind: "cannotDownloadFile", file: "*o*.jpg" });
  await drive.break({ kind: "notFound", file: "IMG_220[1-4].jpg" });
  const { job_id } = await post<{ job_id: string }>("/api/import/google-drive", { folder_url: FOLDER });
  await sleep(1500);
  await shoot("running", { path: `/jobs/${job_id}`, ready: "text=Stored" });
  for (let status = ""; status !== "completed"; await sleep(250)) {
    ({ status } = await ask<{ status: string }>(`/api/import/status/${job_id}`));
  }
  await shoot("failures", { path: `/jobs/${job_id}`, ready: "text=Receipt", before: showFiles });
  await drive.mend();
  await post(`/api/jobs/${job_id}/retry`, {});
  await sleep(4000);

  await shoot("jobs", { path: "/jobs", ready: "article" });
  await shoot("gallery", { path: "/gallery", ready: "[role=gridcell] img", before: pictures });
  await shoot("one", { path: "/gallery?q=DSC_4107", ready: "[role=gridcell] img", before: pictures });
  const { items } = await ask<{ items: { id: number }[] }>("/api/images?q=DSC_4107&per_page=1");
  await shoot("image", { path: `/gallery/${items[0]?.id}`, ready: ".yarl__slide_image" });
  const chooseTwo = async (page: Page): Promise<void> => {
    await pictures(page);
    for (const i of [1, 2])
      await page
        .getByRole("gridcell")
        .nth(i)
        .click({ modifiers: ["Control"] });
  };
  await shoot("chosen", { path: "/gallery", ready: "[role=gridcell] img", before: chooseTwo });
  await shoot("filters", {
    path: "/gallery?type=image/jpeg&size_min=1000",
    ready: "[role=gridcell] img",
    before: (page) => page.getByRole("button", { name: /^Filters/ }).click(),
  });
  await shoot("shortcuts", { path: "/jobs", ready: "article", before: (page) => page.keyboard.press("?") });
  await shoot("palette", { path: "/jobs", ready: "article", before: (page) => page.keyboard.press("Control+k") });

  await shoot("refused", { path: "/gallery", ready: "[role=gridcell] img", before: refuse });
  await shoot("no-job", { path: "/jobs/none", ready: "[role=alert]" });
  await shoot("no-image", { path: "/gallery/999999", ready: "text=This image cannot be shown" });
  await shoot("nowhere", { path: "/gallery?q=nothing-is-like-this", ready: "text=No image is like that" });

  const long = given("LONG_FOLDER_URL");
  await shoot("long-plan", planOf(long));
  const long_job = await importAll(long);
  await shoot("long-job", { path: `/jobs/${long_job}`, ready: "text=Receipt", before: showFiles });
  await shoot("long-gallery", { path: `/gallery?job=${long_job}`, ready: "[role=gridcell] img", before: pictures });
  const { items: named } = await ask<{ items: { id: number }[] }>(`/api/images?job_id=${long_job}&per_page=1`);
  await shoot("long-image", { path: `/gallery/${named[0]?.id}`, ready: ".yarl__slide_image" });

  const many = { ready: "[role=gridcell] img", before: pictures, gateway: given("MANY_URL") };
  await shoot("many", { path: "/gallery", ...many });
  const end = async (page: Page): Promise<void> => {
    await page.getByTestId("gallery").evaluate((grid) => (grid.scrollTop = grid.scrollHeight));
    await page.locator('[data-index="99999"]').waitFor();
    await pictures(page);
  };
  await shoot("many-end", { path: "/gallery?sort=name", ...many, before: end });
});
