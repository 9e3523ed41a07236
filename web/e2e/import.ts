/// Imports: from the pasted link to the receipt, with failures and retries.
import { afterEach, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { axeViolations } from "./axe.ts";
import { expectNoPageErrors, fetchJson, FOLDER_URL, openPage, SERVER_URL, testDrive } from "./browser.ts";

const stateBadge = (page: Page, label: string) => page.locator("main").getByText(label, { exact: true }).first();

describe("importing", () => {
  afterEach(expectNoPageErrors);

  test("an empty library shows how to import", async () => {
    const page = await openPage("/");
    await page.getByRole("heading", { name: "No imports yet" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("link", { name: "Gallery" }).click();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });

  test("an invalid link is rejected while it is typed", async () => {
    const page = await openPage("/import");
    await page.getByLabel("Folder link").fill("https://example.com/holiday");
    await page.locator("#link-status[data-error]").waitFor();
    expect(await page.getByRole("button", { name: "Import", exact: true }).isDisabled()).toBe(true);
    expect(await axeViolations(page)).toEqual([]);
  });

  test("a folder that is not shared shows what to do", async () => {
    const page = await openPage(
      `/import?url=${encodeURIComponent("https://drive.google.com/drive/folders/1AbCdEfGhIjKlMnOpQrStUvWxYz012345")}`,
    );
    await page.locator("#link-status[data-error]").waitFor();
    expect(await page.locator("#link-status").textContent()).toMatch(/Anyone with the link/);
  });

  test("a folder is previewed, imported and watched; failures are retried; a reload loses nothing", async () => {
    await testDrive.injectFault({ kind: "cannotDownloadFile", file: "Poppies.*" });
    const page = await openPage("/");
    await page.getByLabel("Folder link").fill(FOLDER_URL);

    // The preview, with thumbnails of some files.
    await page.getByRole("heading", { name: "Sample images" }).waitFor();
    const thumbnails = page.getByRole("list", { name: "Sample images" }).locator("img");
    await expect
      .poll(
        () => thumbnails.evaluateAll((all: HTMLImageElement[]) => all.filter((each) => each.naturalWidth > 0).length),
        { timeout: 15_000 },
      )
      .toBeGreaterThan(3);
    expect(await page.getByText(/images to import/).textContent()).toMatch(/^\d+/);
    expect(new URL(page.url()).searchParams.get("url")).toBe(FOLDER_URL);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("button", { name: /^Import \d+ images$/ }).click();

    // The import has a URL. Another window shows the same state, and so does this one after a reload.
    await page.waitForURL(/\/jobs\/[0-9a-f-]+$/);
    // Pause first: on a busy machine, the import would end before the other window is open.
    await page.getByRole("button", { name: "Pause" }).click();
    await stateBadge(page, "Paused").waitFor();
    await page.getByText(/\d+ of \d+/).waitFor();
    const other = await openPage(new URL(page.url()).pathname);
    await stateBadge(other, "Paused").waitFor();
    await other.getByText(/\d+ of \d+/).waitFor();
    await page.reload();
    await stateBadge(page, "Paused").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await other.getByRole("button", { name: "Resume" }).click();
    await stateBadge(page, "Done").waitFor({ timeout: 40_000 });
    await stateBadge(other, "Done").waitFor();

    // Why a file failed, who can fix it, and a retry.
    await page.getByRole("heading", { name: "1 file failed" }).waitFor();
    await page.getByText("The folder's owner can fix this.").waitFor();
    await page.getByRole("button", { name: "Files", exact: true }).click();
    await page.getByRole("link", { name: /Poppies/ }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    const failures = await page.getByRole("link", { name: "CSV" }).first().getAttribute("href");
    expect(await (await fetch(SERVER_URL + failures)).text()).toMatch(/Poppies/);
    await testDrive.clearFaults();
    await page.getByRole("button", { name: /^Retry 1 file ?:/ }).click();
    await page.getByRole("heading", { name: "1 file failed" }).waitFor({ state: "detached", timeout: 30_000 });
    await stateBadge(page, "Done").waitFor({ timeout: 30_000 });

    // The receipt.
    const receipt = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
    expect(await (await fetch(SERVER_URL + receipt)).text()).toMatch(/Poppies/);
    expect(await axeViolations(page)).toEqual([]);
  });

  test("importing the same folder again copies nothing, and says so", async () => {
    const page = await openPage("/");
    await page.getByLabel("Folder link").fill(FOLDER_URL);
    await page.getByText(/already imported$/).waitFor();
    await page.getByRole("button", { name: "Import again" }).click();
    await page.waitForURL(/\/jobs\/[0-9a-f-]+$/);
    await stateBadge(page, "Done").waitFor({ timeout: 30_000 });
    expect(await page.locator("dt:text-is('Stored') + dd").textContent()).toBe("0 · 0 B");
  });

  test("every import is in the list", async () => {
    const page = await openPage("/jobs");
    const { items } = await fetchJson<{ items: unknown[] }>("/api/jobs");
    await expect.poll(() => page.getByRole("article").count()).toBe(items.length);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Command line for this list" }).click();
    await page.getByText("imageferry jobs").waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });
});
