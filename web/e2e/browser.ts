/// A browser that notices what a page must not do: ask other hosts, break its policy, or throw.
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, expect } from "vitest";

export const given = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by tests/e2e.`);
  return value;
};

export const GATEWAY = given("URL");
export const FOLDER = given("FOLDER_URL");
export const STANDIN = given("STANDIN_URL");

// No sandbox: these run as root in containers, and show nothing but our own page.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser: Browser | undefined;
const misdeeds: string[] = [];

export async function openPage(path: string, options: BrowserContextOptions = {}, gateway = GATEWAY): Promise<Page> {
  browser ??= await chromium.launch({ executablePath: given("CHROMIUM"), args: FLAGS });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    ...options,
  });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => misdeeds.push(`thrown: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      misdeeds.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== gateway) misdeeds.push(`asked ${url.origin}`);
  });
  await page.goto(gateway + path);
  return page;
}

export function expectNoMisdeeds(): void {
  expect(misdeeds.splice(0)).toEqual([]);
}

afterAll(async () => {
  await browser?.close();
  browser = undefined;
});

/** A question to the gateway, as a program asks it. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(GATEWAY + path, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Orders at the stand-in for Drive. */
export const drive = {
  break: async (fault: { kind: string; file: string }): Promise<void> => {
    await fetch(`${STANDIN}/_standin/faults`, { method: "POST", body: JSON.stringify(fault) });
  },
  mend: async (): Promise<void> => {
    await fetch(`${STANDIN}/_standin/faults`, { method: "DELETE" });
  },
};
