/// How a gallery of any size feels, in figures: run beside a gateway whose catalog `python -m benchmarks.seed` made.
//
//     URL=http://127.0.0.1:8000 FOLDER_URL=- STANDIN_URL=- CHROMIUM=$(command -v chromium) MINUTES=10 npm run measure
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { openPage } from "./browser.ts";

const SCREEN = { viewport: { width: 1400, height: 900 } };
const STEPS = 40;
const STEP_PX = 300;
const STEP_MS = 30;
const LONG_MS = 50;
const MINUTES = Number(process.env.MINUTES ?? 0);
const TILES = "[role=gridcell]";

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** The page's tasks over 50 ms meanwhile: by the clock, and by the processor's time, which a busy machine leaves alone. */
async function longTasks(page: Page, what: string, during: () => Promise<void>): Promise<void> {
  const browser = page.context().browser();
  await browser?.startTracing(page, { categories: ["toplevel", "__metadata"] });
  await during();
  const { traceEvents } = JSON.parse(String(await browser?.stopTracing())) as { traceEvents: TraceEvent[] };
  const main = new Set(
    traceEvents.filter(({ args }) => args?.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith("RunTask") && main.has(`${pid} ${tid}`));
  const over = (taken: (event: TraceEvent) => number | undefined): string => {
    const all = tasks.map((task) => Math.round((taken(task) ?? 0) / 1000)).toSorted((a, b) => b - a);
    return `${JSON.stringify(all.filter((ms) => ms > LONG_MS))}, the longest ${all[0] ?? 0} ms`;
  };
  console.log(`tasks over ${LONG_MS} ms while ${what}: ${over(({ dur }) => dur)}`);
  console.log(`of the processor's time: ${over(({ tdur }) => tdur)}`);
}

async function jump(page: Page, share: number): Promise<void> {
  await page.getByTestId("gallery").evaluate((grid, to) => {
    grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * to;
  }, share);
  const began = performance.now();
  await sleep(STEP_MS);
  await page.locator(TILES).first().waitFor();
  console.log(`a jump to ${share}: ${Math.round(performance.now() - began)} ms`);
}

async function scroll(page: Page, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, STEP_PX);
    await sleep(STEP_MS);
  }
}

/** What the page holds once what it does not need is thrown away, in MB. */
async function held(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return Math.round(usedSize / 1e6);
}

test("the figures", async () => {
  const page = await openPage("/gallery", SCREEN);
  await page.locator(TILES).first().waitFor();
  // Of the page's own clock: since it was asked for.
  console.log(`the first screen after ${Math.round(await page.evaluate(() => performance.now()))} ms`);

  await page.mouse.move(600, 500);
  await longTasks(page, `scrolling ${STEPS * STEP_PX} px`, () => scroll(page, STEPS));
  await longTasks(page, "jumping", async () => {
    for (const share of [0.5, 0.25, 0.9, 0.1, 1]) await jump(page, share);
  });

  const status = await page.getByText(/^[\d,]+ images?$/).textContent();
  const total = Number(status?.replace(/\D/g, ""));
  const last = page.locator(`[data-index="${total - 1}"]`);
  await last.waitFor();
  console.log(`the last of ${total} was reached`);
  expect(await last.isVisible()).toBe(true);

  await jump(page, 0.3);
  console.log(`held: ${await held(page)} MB`);
  for (let minute = 1; minute <= MINUTES; minute++) {
    const ends = performance.now() + 60_000;
    while (performance.now() < ends) await scroll(page, STEPS);
    const tiles = await page.locator(TILES).count();
    console.log(`held after ${minute} min of scrolling: ${await held(page)} MB, ${tiles} pictures in the page`);
  }
});
