/// The gallery: searching, selecting, opening, deleting; by mouse, keyboard and touch; dark mode.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { axeViolations } from "./axe.ts";
import { expectNoPageErrors, fetchJson, FOLDER_URL, openPage } from "./browser.ts";

const cells = (page: Page) => page.getByRole("gridcell");
const total = async (query = ""): Promise<number> =>
  (await fetchJson<{ total: number }>(`/api/images?per_page=1${query}`)).total;

async function openGallery(path = "/gallery", options = {}): Promise<Page> {
  const page = await openPage(path, options);
  await cells(page).first().waitFor();
  return page;
}

/** Pretend that there are 5,000 images, select all and press Delete. */
async function deleteAllOfMany(path: string): Promise<Page> {
  const page = await openPage(path);
  await page.route(/\/api\/images\?.*page=1&/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), total: 5000 } });
  });
  await page.reload();
  await cells(page).first().focus();
  await page.keyboard.press("Control+a");
  await page.getByText("All 5,000 selected").waitFor();
  await page.getByText("up to 1,000 images").waitFor();
  await page.keyboard.press("Delete");
  return page;
}

describe("the gallery", () => {
  beforeAll(async () => {
    const headers = { "Content-Type": "application/json" };
    const { job_id } = await fetchJson<{ job_id: string }>("/api/import/google-drive", {
      method: "POST",
      headers,
      body: JSON.stringify({ folder_url: FOLDER_URL }),
    });
    for (let status = ""; status !== "completed"; await sleep(250)) {
      ({ status } = await fetchJson<{ status: string }>(`/api/import/status/${job_id}`));
    }
  });

  afterEach(expectNoPageErrors);

  test("shows every image", async () => {
    const page = await openGallery();
    await page.getByText(`${await total()} images`).waitFor();
    await page.locator("[role=gridcell] img[data-shown]").first().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    // The preloaded responses are not requested again.
    const requested = await page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => name.slice(location.origin.length)),
    );
    for (const path of ["/api/images?sort=-date&page=1&per_page=60", "/api/jobs?limit=50"])
      expect(requested.filter((each) => each === path)).toEqual([path]);
  });

  test("has no axe violations in dark mode on a phone, and nothing is wider than the screen", async () => {
    for (const path of ["/gallery", "/import", "/jobs"]) {
      const page = await openPage(path, { viewport: { width: 320, height: 640 }, colorScheme: "dark", hasTouch: true });
      await page.locator("main h1").waitFor({ state: "attached" });
      await page.waitForTimeout(500);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      expect(await axeViolations(page)).toEqual([]);
    }
  });

  test("a search matches names, and is part of the URL", async () => {
    const page = await openGallery();
    await page.getByLabel("Search by name").fill("dsc");
    const found = await total("&q=dsc");
    expect(found).toBeGreaterThan(0);
    await page.getByText(new RegExp(`^${found} images?$`)).waitFor();
    expect(new URL(page.url()).search).toBe("?q=dsc");
    await page.reload();
    await page.getByText(new RegExp(`^${found} images?$`)).waitFor();
    await page.getByLabel("Search by name").fill("no such image");
    await page.getByRole("heading", { name: "No images match" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Show all images" }).click();
    await cells(page).first().waitFor();
  });

  test("pages beyond the API's limit are fetched with the cursor of a neighbour", async () => {
    const page = await openPage("/gallery?sort=name", { viewport: { width: 800, height: 400 } });
    await page.route(/\/api\/images\?.*[?&]page=([2-9]|\d\d)/, (route) =>
      route.fulfill({ status: 400, contentType: "application/problem+json", body: '{"detail": "Too far."}' }),
    );
    await page.reload();
    await cells(page).first().waitFor();
    await page.getByTestId("gallery").evaluate((grid) => (grid.scrollTop = grid.scrollHeight));
    await page.locator(`[data-index="${(await total()) - 1}"]`).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("filters limit the images", async () => {
    const page = await openGallery();
    await page.getByRole("button", { name: "Filters" }).click();
    await page.getByLabel("Type", { exact: true }).first().click();
    await page.getByRole("option", { name: /^PNG/ }).click();
    await page.keyboard.press("Escape");
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByText(new RegExp(`^${await total("&mime_type=image/png")} images?$`)).waitFor();
    expect(new URL(page.url()).searchParams.get("type")).toBe("image/png");
  });

  test("keyboard alone: move to an image, open it, go to the next, return to the grid", async () => {
    const page = await openGallery();
    await cells(page).first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/gallery\/\d+\?at=\d+/);
    const first = page.url();
    const name = await page.getByRole("complementary").getByRole("heading").textContent();
    expect(name).not.toBe("");
    await expect.poll(() => axeViolations(page)).toEqual([]);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.url()).not.toBe(first);
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/gallery$/);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("gridcell");
  });

  test("an image's URL shows the image and its details", async () => {
    const { items } = await fetchJson<{ items: { id: number; name: string; checksum: string }[] }>(
      "/api/images?q=dsc&per_page=1",
    );
    const [image] = items;
    const page = await openPage(`/gallery/${image?.id}`);
    await page.getByRole("heading", { name: image?.name }).waitFor();
    await page.getByText(image?.checksum ?? "", { exact: true }).waitFor();
    await page.getByText("NIKON", { exact: false }).first().waitFor();
  });

  test("selected images are deleted unless the deletion is undone", async () => {
    const before = await total();
    const page = await openGallery("/gallery?sort=name");
    await cells(page)
      .nth(1)
      .click({ modifiers: ["Control"] });
    await cells(page)
      .nth(3)
      .click({ modifiers: ["Shift"] });
    await page.getByText("3 selected").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Delete");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForTimeout(200);
    expect(await total()).toBe(before);
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.activeElement?.getAttribute("role"));
    await expect.poll(focused, { timeout: 5000 }).toBe("gridcell");

    await cells(page)
      .nth(0)
      .click({ modifiers: ["Control"] });
    await page.getByRole("button", { name: "Delete 1 image", exact: true }).click();
    await page.getByText("1 image will be deleted.").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await expect.poll(total, { timeout: 15_000, interval: 250 }).toBe(before - 1);
    await page.getByText(`${before - 1} images`).waitFor();
  });

  test("touch: a long press selects, then a tap does; otherwise a tap opens", async () => {
    const page = await openGallery("/gallery", {
      hasTouch: true,
      isMobile: true,
      viewport: { width: 390, height: 780 },
    });
    const center = async (index: number): Promise<{ x: number; y: number }> => {
      const { x, y, width, height } = (await cells(page).nth(index).boundingBox()) ?? {
        x: 0,
        y: 0,
        width: 0,
        height: 0,
      };
      return { x: x + width / 2, y: y + height / 2 };
    };
    const touch = await page.context().newCDPSession(page);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [await center(0)] });
    await page.getByText("1 selected").waitFor();
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.waitForTimeout(100);
    expect(await page.getByRole("status").filter({ hasText: "1 selected" }).count()).toBe(1);
    await cells(page).nth(2).tap();
    await page.getByText("2 selected").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await cells(page).nth(2).tap();
    await cells(page).nth(0).tap();
    await page.getByLabel("Search by name").waitFor();

    // Scrolling by touch neither selects nor opens an image.
    const from = await center(3);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [from] });
    for (let moved = 1; moved <= 8; moved++) {
      const point = { x: from.x, y: from.y - 20 * moved };
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [point] });
    }
    await page.waitForTimeout(600);
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    expect(await page.getByRole("toolbar", { name: "Selection" }).count()).toBe(0);
    await cells(page).nth(1).tap();
    await page.waitForURL(/\/gallery\/\d+/);
  });

  test("a small result is selected by id, and has command lines", async () => {
    const page = await openGallery("/gallery?q=dsc");
    const found = await total("&q=dsc");
    await cells(page).first().focus();
    await page.keyboard.press("Control+a");
    await page.getByText(`${found} selected`).waitFor();
    await page.getByRole("button", { name: "Command line for the selected images" }).click();
    await page.getByText("--download images.zip").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.getByLabel("Search by name").waitFor();
  });

  test("a large result is deleted only with a filter and a confirmation", async () => {
    const before = await total();
    const unfiltered = await deleteAllOfMany("/gallery");
    await unfiltered.getByText("Filter first").waitFor();
    expect(await axeViolations(unfiltered)).toEqual([]);
    const filtered = await deleteAllOfMany("/gallery?type=image/jpeg");
    await filtered.getByRole("dialog", { name: "Delete all 5,000 images?" }).waitFor();
    expect(await axeViolations(filtered)).toEqual([]);
    await filtered.getByRole("button", { name: "Keep images" }).click();
    expect(await total()).toBe(before);
  });

  test("several images are downloaded as one file", async () => {
    const page = await openGallery();
    await cells(page)
      .nth(0)
      .click({ modifiers: ["Control"] });
    await cells(page)
      .nth(1)
      .click({ modifiers: ["Control"] });
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download as a ZIP file" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.zip$/);
  });

  test("the command palette and the shortcut list open from the keyboard", async () => {
    const page = await openGallery();
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("Search commands").fill("imports");
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/jobs/);
    await page.getByRole("button", { name: "Switch to dark mode" }).click();
    await page.getByRole("button", { name: "Switch to light mode" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });
});
