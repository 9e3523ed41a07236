/// The gallery: looking, searching, choosing, opening, deleting; by mouse, by keyboard, on a phone, in the dark.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { flaws } from "./axe.ts";
import { ask, expectNoMisdeeds, FOLDER, openPage } from "./browser.ts";

const cells = (page: Page) => page.getByRole("gridcell");
const total = async (query = ""): Promise<number> =>
  (await ask<{ total: number }>(`/api/images?per_page=1${query}`)).total;

async function openGallery(path = "/gallery", options = {}): Promise<Page> {
  const page = await openPage(path, options);
  await cells(page).first().waitFor();
  return page;
}

/** As if there were five thousand; all of them chosen, and the key for deleting them pressed. */
async function deleteAllOfMany(path: string): Promise<Page> {
  const page = await openPage(path);
  await page.route(/\/api\/images\?.*page=1&/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), total: 5000 } });
  });
  await page.reload();
  await cells(page).first().focus();
  await page.keyboard.press("Control+a");
  await page.getByText("all 5,000 images chosen").waitFor();
  await page.getByText("at most 1,000 at once").waitFor();
  await page.keyboard.press("Delete");
  return page;
}

describe("the gallery", () => {
  beforeAll(async () => {
    const headers = { "Content-Type": "application/json" };
    const { job_id } = await ask<{ job_id: string }>("/api/import/google-drive", {
      method: "POST",
      headers,
      body: JSON.stringify({ folder_url: FOLDER }),
    });
    for (let status = ""; status !== "completed"; await sleep(250)) {
      ({ status } = await ask<{ status: string }>(`/api/import/status/${job_id}`));
    }
  });

  afterEach(expectNoMisdeeds);

  test("every picture is there, as a picture", async () => {
    const page = await openGallery();
    await page.getByText(`${await total()} images`).waitFor();
    await page.locator("[role=gridcell] img[data-shown]").first().waitFor();
    expect(await flaws(page)).toEqual([]);
    // What was asked before the page's script had come is not asked again by it.
    const asked = await page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => name.slice(location.origin.length)),
    );
    for (const path of ["/api/images?sort=-shown&page=1&per_page=60", "/api/jobs?limit=50"])
      expect(asked.filter((each) => each === path)).toEqual([path]);
  });

  test("the same in the dark, and on a phone, where nothing is wider than the screen", async () => {
    for (const path of ["/gallery", "/import", "/jobs"]) {
      const page = await openPage(path, { viewport: { width: 320, height: 640 }, colorScheme: "dark", hasTouch: true });
      await page.locator("main h1").waitFor({ state: "attached" });
      await page.waitForTimeout(500);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      expect(await flaws(page)).toEqual([]);
    }
  });

  test("a search is as wide as its words, and part of the address", async () => {
    const page = await openGallery();
    await page.getByLabel("Search by name").fill("dsc");
    const found = await total("&q=dsc");
    expect(found).toBeGreaterThan(0);
    await page.getByText(new RegExp(`^${found} images?$`)).waitFor();
    expect(new URL(page.url()).search).toBe("?q=dsc");
    await page.reload();
    await page.getByText(new RegExp(`^${found} images?$`)).waitFor();
    await page.getByLabel("Search by name").fill("no such picture");
    await page.getByRole("heading", { name: "No image is like that" }).waitFor();
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("button", { name: "Show all images" }).click();
    await cells(page).first().waitFor();
  });

  test("pages that the gateway does not find by their number are found from those beside them", async () => {
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

  test("filters narrow it", async () => {
    const page = await openGallery();
    await page.getByRole("button", { name: "Filters" }).click();
    await page.getByLabel("Type", { exact: true }).first().click();
    await page.getByRole("option", { name: /^PNG/ }).click();
    await page.keyboard.press("Escape");
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByText(new RegExp(`^${await total("&mime_type=image/png")} images?$`)).waitFor();
    expect(new URL(page.url()).searchParams.get("type")).toBe("image/png");
  });

  test("by keyboard alone: to a picture, into it, on to the next, back to where one was", async () => {
    const page = await openGallery();
    await cells(page).first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/gallery\/\d+\?at=\d+/);
    const first = page.url();
    const name = await page.getByRole("complementary").getByRole("heading").textContent();
    expect(name).not.toBe("");
    await expect.poll(() => flaws(page)).toEqual([]);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.url()).not.toBe(first);
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/gallery$/);
    expect(await page.evaluate(() => document.activeElement?.getAttribute("role"))).toBe("gridcell");
  });

  test("a picture's address shows the picture, and what is known of it", async () => {
    const { items } = await ask<{ items: { id: number; name: string; checksum: string }[] }>(
      "/api/images?q=dsc&per_page=1",
    );
    const [image] = items;
    const page = await openPage(`/gallery/${image?.id}`);
    await page.getByRole("heading", { name: image?.name }).waitFor();
    await page.getByText(image?.checksum ?? "", { exact: true }).waitFor();
    await page.getByText("NIKON", { exact: false }).first().waitFor();
  });

  test("what was chosen is deleted, unless one thinks again", async () => {
    const before = await total();
    const page = await openGallery("/gallery?sort=name");
    await cells(page)
      .nth(1)
      .click({ modifiers: ["Control"] });
    await cells(page)
      .nth(3)
      .click({ modifiers: ["Shift"] });
    await page.getByText("3 images chosen").waitFor();
    expect(await flaws(page)).toEqual([]);
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
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("1 image will be deleted.").waitFor();
    expect(await flaws(page)).toEqual([]);
    await expect.poll(total, { timeout: 15_000, interval: 250 }).toBe(before - 1);
    await page.getByText(`${before - 1} images`).waitFor();
  });

  test("by touch: a long press chooses, then a tap does; without one, a tap opens", async () => {
    const page = await openGallery("/gallery", {
      hasTouch: true,
      isMobile: true,
      viewport: { width: 390, height: 780 },
    });
    const place = async (index: number): Promise<{ x: number; y: number }> => {
      const { x, y, width, height } = (await cells(page).nth(index).boundingBox()) ?? {
        x: 0,
        y: 0,
        width: 0,
        height: 0,
      };
      return { x: x + width / 2, y: y + height / 2 };
    };
    const touch = await page.context().newCDPSession(page);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [await place(0)] });
    await page.getByText("1 image chosen").waitFor();
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.waitForTimeout(100);
    expect(await page.getByRole("status").filter({ hasText: "1 image" }).count()).toBe(1);
    await cells(page).nth(2).tap();
    await page.getByText("2 images chosen").waitFor();
    expect(await flaws(page)).toEqual([]);
    await cells(page).nth(2).tap();
    await cells(page).nth(0).tap();
    await page.getByLabel("Search by name").waitFor();

    // A finger that scrolls chooses nothing, and opens nothing.
    const from = await place(3);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [from] });
    for (let moved = 1; moved <= 8; moved++) {
      const point = { x: from.x, y: from.y - 20 * moved };
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [point] });
    }
    await page.waitForTimeout(600);
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    expect(await page.getByRole("toolbar", { name: "What is chosen" }).count()).toBe(0);
    await cells(page).nth(1).tap();
    await page.waitForURL(/\/gallery\/\d+/);
  });

  test("of few, all are chosen one by one; what is done with them is told for a terminal", async () => {
    const page = await openGallery("/gallery?q=dsc");
    const found = await total("&q=dsc");
    await cells(page).first().focus();
    await page.keyboard.press("Control+a");
    await page.getByText(`${found} ${found === 1 ? "image" : "images"} chosen`).waitFor();
    await page.getByRole("button", { name: "These from a terminal" }).click();
    await page.getByText("--download images.zip").waitFor();
    expect(await flaws(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.getByLabel("Search by name").waitFor();
  });

  test("of many, all are deleted only by a filter, and only after a question", async () => {
    const before = await total();
    const all = await deleteAllOfMany("/gallery");
    await all.getByText("set a filter first").waitFor();
    expect(await flaws(all)).toEqual([]);
    const some = await deleteAllOfMany("/gallery?type=image/jpeg");
    await some.getByRole("dialog", { name: "Delete all 5,000 images?" }).waitFor();
    expect(await flaws(some)).toEqual([]);
    await some.getByRole("button", { name: "Keep them" }).click();
    expect(await total()).toBe(before);
  });

  test("several are downloaded as one", async () => {
    const page = await openGallery();
    await cells(page)
      .nth(0)
      .click({ modifiers: ["Control"] });
    await cells(page)
      .nth(1)
      .click({ modifiers: ["Control"] });
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download as a zip file" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.zip$/);
  });

  test("commands and shortcuts are found by their names", async () => {
    const page = await openGallery();
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("Search commands").fill("jobs");
    expect(await flaws(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/jobs/);
    await page.getByRole("button", { name: "Change to dark" }).click();
    await page.getByRole("button", { name: "Change to light" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    expect(await flaws(page)).toEqual([]);
  });
});
