/// The main views as pictures: light and dark, wide and narrow; nothing, one, many, trouble. tests/e2e says which are kept.
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { ask, drive, FOLDER, openPage } from "./browser.ts";

const FOLDER_OF_SHOTS = process.env.SHOTS ?? ".";
const SCREENS = { wide: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const SETTLED_MS = 700;

interface View {
  path: string;
  /** What is there once the view is. */
  ready: string;
  before?: (page: Page) => Promise<unknown>;
}

async function shoot(name: string, { path, ready, before }: View): Promise<void> {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await openPage(path, { viewport, colorScheme });
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

const showFiles = (page: Page) => page.getByRole("button", { name: "Files", exact: true }).first().click();

test("every view, as a picture", async () => {
  await mkdir(FOLDER_OF_SHOTS, { recursive: true });
  await shoot("first", { path: "/", ready: "text=Nothing imported yet" });
  await shoot("empty", { path: "/gallery", ready: "text=No images yet" });
  await shoot("wrong", { path: "/import?url=https://example.com/album", ready: "#verdict[data-wrong]" });
  await shoot("plan", { path: `/import?url=${encodeURIComponent(FOLDER)}`, ready: "#plan" });

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
});
