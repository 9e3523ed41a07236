import { expect, test } from "vitest";
import { rates } from "./rates.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 20) + seconds * 1000).toISOString();

test("the end of one batch does not show as a peak", () => {
  const [, rate] = rates([
    { at: at(0), processed: 0 },
    { at: at(0.001), processed: 100 },
    { at: at(2), processed: 100 },
    { at: at(4), processed: 300 },
  ]);
  expect(rate).toEqual([50, 100]);
});

test("samples without elapsed time give no points", () => {
  expect(rates([])).toEqual([[], []]);
  expect(rates([{ at: at(0), processed: 5 }])).toEqual([[], []]);
  expect(
    rates([
      { at: at(0), processed: 5 },
      { at: at(0), processed: 9 },
    ]),
  ).toEqual([[], []]);
});

test("a long job has at most sixty points", () => {
  const samples = Array.from({ length: 300 }, (_, i) => ({ at: at(i * 60), processed: i * 120 }));
  const [seconds, rate] = rates(samples);
  expect(seconds.length).toBeLessThanOrEqual(60);
  expect(new Set(rate.map(Math.round))).toEqual(new Set([2]));
});
