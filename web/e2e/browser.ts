/// The browser for the tests. It records requests to other hosts, CSP violations and errors of the page.
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, expect } from "vitest";

export const env = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Run these tests through tests/e2e.`);
  return value;
};

export const SERVER_URL = env("URL");
export const FOLDER_URL = env("FOLDER_URL");
const TEST_DRIVE_URL = env("DRIVE_URL");

// No sandbox: the tests run as root in containers, and open only our own page.
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser: Browser | undefined;
const pageErrors: string[] = [];

export async function openPage(path: string, options: BrowserContextOptions = {}, server = SERVER_URL): Promise<Page> {
  browser ??= await chromium.launch({ executablePath: env("CHROMIUM"), args: CHROMIUM_FLAGS });
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
  page.on("pageerror", (error) => pageErrors.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      pageErrors.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== server) pageErrors.push(`request to ${url.origin}`);
  });
  await page.goto(server + path);
  return page;
}

export function expectNoPageErrors(): void {
  expect(pageErrors.splice(0)).toEqual([]);
}

afterAll(async () => {
  await browser?.close();
  browser = undefined;
});

/** Send an API request and return the JSON of its response. */
export async function fetchJson<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(SERVER_URL + path, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function controlFaults(init: RequestInit): Promise<void> {
  const response = await fetch(`${TEST_DRIVE_URL}/_control/faults`, init);
  if (!response.ok) throw new Error(`_control/faults: ${response.status} ${await response.text()}`);
}

/** Controls of the test Drive server. */
export const testDrive = {
  injectFault: (fault: { kind: string; file: string }) =>
    controlFaults({ method: "POST", body: JSON.stringify(fault) }),
  clearFaults: () => controlFaults({ method: "DELETE" }),
};
