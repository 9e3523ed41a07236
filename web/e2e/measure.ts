/// How a gallery of any size feels, in figures: run beside a gateway whose catalog `python -m benchmarks.seed` made.
//
//     URL=http://127.0.0.1:8000 FOLDER_URL=- STANDIN_URL=- CHROMIUM=$(command -v chromium) npm run measure
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { openPage } from "./browser.ts";

const SCREEN = { viewport: { width: 1400, height: 900 } };
const STEPS = 40;
const STEP_PX = 300;
const STEP_MS = 30;
const TILES = "[role=gridcell]";

interface Watched {
  long: number[];
}
declare global {
  interface Window {
    watched: Watched;
  }
}

/** The tasks that kept the page from answering for more than 50 ms since the last look. */
const longTasks = (page: Page): Promise<number[]> => page.evaluate(() => window.watched.long.splice(0));

async function jump(page: Page, share: number): Promise<number> {
  await page.getByTestId("gallery").evaluate((grid, to) => {
    grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * to;
  }, share);
  const began = performance.now();
  await page.locator(TILES).first().waitFor();
  await sleep(STEP_MS);
  return Math.round(performance.now() - began);
}

test("the figures", async () => {
  const page = await openPage("/gallery", SCREEN);
  await page.locator(TILES).first().waitFor();
  // Of the page's own clock: since it was asked for.
  const shown_ms = await page.evaluate(() => performance.now());
  console.log(`pictures on the screen after ${Math.round(shown_ms)} ms`);
  await page.evaluate(() => {
    window.watched = { long: [] };
    const watch = new PerformanceObserver((list) => {
      window.watched.long.push(...list.getEntries().map(({ duration }) => Math.round(duration)));
    });
    watch.observe({ type: "longtask" });
  });

  await page.mouse.move(600, 500);
  for (let step = 0; step < STEPS; step++) {
    await page.mouse.wheel(0, STEP_PX);
    await sleep(STEP_MS);
  }
  console.log(`tasks over 50 ms while scrolling ${STEPS * STEP_PX} px: ${JSON.stringify(await longTasks(page))}`);
  for (const share of [0.5, 0.25, 0.9, 0.1, 1]) console.log(`a jump to ${share}: ${await jump(page, share)} ms`);
  console.log(`tasks over 50 ms while jumping: ${JSON.stringify(await longTasks(page))}`);

  const status = await page.getByText(/^[\d,]+ images?$/).textContent();
  const total = Number(status?.replace(/\D/g, ""));
  const last = page.locator(`[data-index="${total - 1}"]`);
  await last.waitFor();
  console.log(`the last of ${total} was reached`);
  const heap = await page.evaluate(
    () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
  );
  console.log(`heap: ${Math.round(heap / 1e6)} MB`);
  expect(await last.isVisible()).toBe(true);
});
