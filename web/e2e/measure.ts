/// Measures the gallery's responsiveness and memory. Needs a running server with a catalog from `python -m benchmarks.seed`.
//
//     URL=http://127.0.0.1:8000 FOLDER_URL=- DRIVE_URL=- CHROMIUM=$(command -v chromium) MINUTES=10 npm run measure
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { openPage } from "./browser.ts";

const SCREEN = { viewport: { width: 1400, height: 900 } };
const STEPS = 40;
const STEP_PX = 300;
const STEP_MS = 30;
const LONG_TASK_MS = 50;
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

/** Print the page's long tasks during an action, by wall time and by CPU time. A busy machine affects only wall time. */
async function printLongTasks(page: Page, name: string, action: () => Promise<void>): Promise<void> {
  const browser = page.context().browser();
  await browser?.startTracing(page, { categories: ["toplevel", "__metadata"] });
  await action();
  const { traceEvents } = JSON.parse(String(await browser?.stopTracing())) as { traceEvents: TraceEvent[] };
  const mainThreads = new Set(
    traceEvents.filter(({ args }) => args?.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name: task, pid, tid }) => task.endsWith("RunTask") && mainThreads.has(`${pid} ${tid}`),
  );
  const longest = (duration_us: (event: TraceEvent) => number | undefined): string => {
    const all = tasks.map((task) => Math.round((duration_us(task) ?? 0) / 1000)).toSorted((a, b) => b - a);
    return `${JSON.stringify(all.filter((ms) => ms > LONG_TASK_MS))}, longest ${all[0] ?? 0} ms`;
  };
  console.log(`tasks over ${LONG_TASK_MS} ms while ${name}: ${longest(({ dur }) => dur)}`);
  console.log(`by CPU time: ${longest(({ tdur }) => tdur)}`);
}

async function jump(page: Page, fraction: number): Promise<void> {
  await page.getByTestId("gallery").evaluate((grid, target) => {
    grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * target;
  }, fraction);
  const started_ms = performance.now();
  await sleep(STEP_MS);
  await page.locator(TILES).first().waitFor();
  console.log(`jump to ${fraction}: ${Math.round(performance.now() - started_ms)} ms`);
}

async function scroll(page: Page, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, STEP_PX);
    await sleep(STEP_MS);
  }
}

/** Return the size of the JavaScript heap in MB, after a garbage collection. */
async function heapMegabytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return Math.round(usedSize / 1e6);
}

test("measurements", async () => {
  const page = await openPage("/gallery", SCREEN);
  await page.locator(TILES).first().waitFor();
  // performance.now() counts from the start of the navigation.
  console.log(`first screen after ${Math.round(await page.evaluate(() => performance.now()))} ms`);

  await page.mouse.move(600, 500);
  await printLongTasks(page, `scrolling ${STEPS * STEP_PX} px`, () => scroll(page, STEPS));
  await printLongTasks(page, "jumping", async () => {
    for (const fraction of [0.5, 0.25, 0.9, 0.1, 1]) await jump(page, fraction);
  });

  const status = await page.getByText(/^[\d,]+ images?$/).textContent();
  const total = Number(status?.replace(/\D/g, ""));
  const last = page.locator(`[data-index="${total - 1}"]`);
  await last.waitFor();
  console.log(`reached the last of ${total} images`);
  expect(await last.isVisible()).toBe(true);

  await jump(page, 0.3);
  console.log(`heap: ${await heapMegabytes(page)} MB`);
  for (let minute = 1; minute <= MINUTES; minute++) {
    const end_ms = performance.now() + 60_000;
    while (performance.now() < end_ms) await scroll(page, STEPS);
    const tiles = await page.locator(TILES).count();
    console.log(
      `heap after ${minute} min of scrolling: ${await heapMegabytes(page)} MB, ${tiles} tiles in the document`,
    );
  }
});
