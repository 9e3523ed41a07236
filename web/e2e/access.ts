/// A gateway that asks for its token: how one comes in.
import { afterEach, describe, expect, test } from "vitest";
import { flaws } from "./axe.ts";
import { expectNoMisdeeds, given, openPage } from "./browser.ts";

const UNKNOWN = 401;

describe("signing in", () => {
  afterEach(expectNoMisdeeds);

  test("by the token, on any view; a wrong one is told so", async () => {
    const page = await openPage("/gallery", {}, given("LOCKED_URL"));
    await page.getByRole("heading", { name: "Please sign in" }).waitFor();
    expect(await flaws(page)).toEqual([]);
    const token = page.getByRole("textbox", { name: "Token" });
    await token.fill("not the token");
    await page.keyboard.press("Enter");
    await page.getByText("This is not the gateway’s token.").waitFor();
    expect(await flaws(page)).toEqual([]);
    await token.fill(given("TOKEN"));
    // The page asks again by itself whether it is known; what was typed stays.
    await page.waitForResponse((answer) => answer.url().includes("/api/jobs") && answer.status() === UNKNOWN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();

    // It stays so, and lines for a terminal carry the token's name.
    await page.reload();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();
    await page.getByRole("button", { name: "This view from a terminal" }).click();
    await page.getByText("Bearer $IMAGEFERRY_API_TOKEN").waitFor();
    expect(await page.getByText("trying again").count()).toBe(0);
  });
});
