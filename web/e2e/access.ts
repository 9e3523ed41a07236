/// Signing in to a server that requires an access token.
import { afterEach, describe, expect, test } from "vitest";
import { axeViolations } from "./axe.ts";
import { env, expectNoPageErrors, openPage } from "./browser.ts";

const UNAUTHORIZED = 401;

describe("signing in", () => {
  afterEach(expectNoPageErrors);

  test("works on any view; a wrong token is rejected", async () => {
    const page = await openPage("/gallery", {}, env("LOCKED_URL"));
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    const token = page.getByRole("textbox", { name: "Access token" });
    await token.fill("not the token");
    await page.keyboard.press("Enter");
    await page.getByText("This access token isn't valid.").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await token.fill(env("TOKEN"));
    // The page repeats its requests meanwhile. The typed token must stay.
    await page.waitForResponse(
      (response) => response.url().includes("/api/jobs") && response.status() === UNAUTHORIZED,
    );
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();

    // The session survives a reload, and the command lines name the token's variable.
    await page.reload();
    await page.getByRole("heading", { name: "No images yet" }).waitFor();
    await page.getByRole("button", { name: "Command line for this view" }).click();
    await page.getByText("Bearer $IMAGEFERRY_API_TOKEN").waitFor();
    expect(await page.getByText("reconnecting").count()).toBe(0);
  });
});
