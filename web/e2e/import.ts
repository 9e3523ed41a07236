/// From a pasted link to a receipt: what goes wrong on the way, and how it is mended.
import { afterEach, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { flaws } from "./axe.ts";
import { ask, drive, expectNoMisdeeds, FOLDER, GATEWAY, openPage } from "./browser.ts";

const state = (page: Page, word: string) => page.locator("main").getByText(word, { exact: true }).first();

describe("importing", () => {
  afterEach(expectNoMisdeeds);

  test("somebody who never imported anything is told how", async () => {
    const page = await openPage("/");
    await page.getByRole("heading", { name: "Nothing imported yet" }).waitFor();
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("link", { name: "Gallery" }).click();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();
    expect(await flaws(page)).toEqual([]);
  });

  test("a link that is none is told so while it is typed", async () => {
    const page = await openPage("/import");
    await page.getByLabel("The folder’s link").fill("https://example.com/holiday");
    await page.locator("#verdict[data-wrong]").waitFor();
    expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(true);
    expect(await flaws(page)).toEqual([]);
  });

  test("a folder that is not shared says what to do", async () => {
    const page = await openPage(
      `/import?url=${encodeURIComponent("https://drive.google.com/drive/folders/1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")}`,
    );
    await page.locator("#verdict[data-wrong]").waitFor();
    expect(await page.locator("#verdict").textContent()).toMatch(/Anyone with the link/);
  });

  test("a folder is planned, imported and watched; what fails is mended; nothing lives in the tab", async () => {
    await drive.break({ kind: "cannotDownloadFile", file: "Poppies.*" });
    const page = await openPage("/");
    await page.getByLabel("The folder’s link").fill(FOLDER);

    // The plan, before any byte, with a glimpse of some files.
    await page.getByRole("heading", { name: "Sample pictures" }).waitFor();
    const glimpses = page.getByRole("list", { name: "Some of them" }).locator("img");
    await expect
      .poll(
        () => glimpses.evaluateAll((all: HTMLImageElement[]) => all.filter((each) => each.naturalWidth > 0).length),
        { timeout: 15_000 },
      )
      .toBeGreaterThan(3);
    expect(await page.getByText(/images to import/).textContent()).toMatch(/^\d+/);
    expect(new URL(page.url()).searchParams.get("url")).toBe(FOLDER);
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("button", { name: "Start" }).click();

    // The job, at an address of its own; another window shows the same, and so does this one, loaded again.
    await page.waitForURL(/\/jobs\/[0-9a-f-]+$/);
    await page.getByText(/\d+ of \d+/).waitFor();
    const other = await openPage(new URL(page.url()).pathname);
    await other.getByText(/\d+ of \d+/).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await Promise.all([state(page, "Paused").waitFor(), state(other, "Paused").waitFor()]);
    await page.reload();
    await state(page, "Paused").waitFor();
    expect(await flaws(page)).toEqual([]);
    await other.getByRole("button", { name: "Resume" }).click();
    await state(page, "Done").waitFor({ timeout: 40_000 });
    await state(other, "Done").waitFor();

    // Why a file failed, who can mend it, and another try.
    await page.getByRole("heading", { name: "1 file failed" }).waitFor();
    await page.getByText("The folder’s owner can mend it.").waitFor();
    await page.getByRole("button", { name: "Files", exact: true }).click();
    await page.getByRole("link", { name: /Poppies/ }).waitFor();
    expect(await flaws(page)).toEqual([]);
    const failures = await page.getByRole("link", { name: "CSV" }).first().getAttribute("href");
    expect(await (await fetch(GATEWAY + failures)).text()).toMatch(/Poppies/);
    await drive.mend();
    await page.getByRole("button", { name: /^Retry those/ }).click();
    await page.getByRole("heading", { name: "1 file failed" }).waitFor({ state: "detached", timeout: 30_000 });
    await state(page, "Done").waitFor({ timeout: 30_000 });

    // The receipt.
    const receipt = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
    expect(await (await fetch(GATEWAY + receipt)).text()).toMatch(/Poppies/);
    expect(await flaws(page)).toEqual([]);
  });

  test("the same folder again moves nothing, and says so", async () => {
    const page = await openPage("/");
    await page.getByLabel("The folder’s link").fill(FOLDER);
    await page.getByText(/imported already/).waitFor();
    await page.getByRole("button", { name: "Start" }).click();
    await page.waitForURL(/\/jobs\/[0-9a-f-]+$/);
    await state(page, "Done").waitFor({ timeout: 30_000 });
    expect(await page.locator("dt:text-is('Stored') + dd").textContent()).toBe("0 · 0 B");
  });

  test("every import is in the history", async () => {
    const page = await openPage("/jobs");
    const { items } = await ask<{ items: unknown[] }>("/api/jobs");
    await expect.poll(() => page.getByRole("article").count()).toBe(items.length);
    expect(await flaws(page)).toEqual([]);
    await page.getByRole("button", { name: "The jobs from a terminal" }).click();
    await page.getByText("imageferry jobs").waitFor();
    expect(await flaws(page)).toEqual([]);
  });
});
