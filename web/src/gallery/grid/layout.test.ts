import { describe, expect, test } from "vitest";
import { estimateHeight, justify, ratioOf } from "./layout.ts";

const options = { width: 1200, targetHeight: 200, gap: 4 };
const mixed = Array.from({ length: 60 }, (_, i) => [0.67, 1.5, 1.33, 1.78, 1, 0.8, 3][i % 7] as number);

function widths(ratios: number[], rows: { first: number; count: number; height: number }[]): number[] {
  return rows.map(({ first, count, height }) =>
    ratios.slice(first, first + count).reduce((sum, ratio) => sum + ratio * height, options.gap * (count - 1)),
  );
}

describe("justified rows", () => {
  test("fill the width, so that pages join without a gap", () => {
    const { rows } = justify(mixed, options, { isLastPage: false });
    for (const width of widths(mixed, rows)) expect(width).toBeCloseTo(options.width, 6);
  });

  test("stay close to the target height", () => {
    const { rows } = justify(mixed, options, { isLastPage: false });
    for (const { height } of rows) {
      expect(height).toBeGreaterThan(options.targetHeight * 0.7);
      expect(height).toBeLessThan(options.targetHeight * 1.45);
    }
  });

  test("hold every image once, in order", () => {
    const { rows } = justify(mixed, options, { isLastPage: true });
    expect(rows.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i))).toEqual(
      mixed.map((_, i) => i),
    );
  });

  test("do not stretch the last row of the last page", () => {
    const { rows } = justify([1.5], options, { isLastPage: true });
    expect(rows).toEqual([{ first: 0, count: 1, height: 200 }]);
  });

  test("fit panoramas and tall images on a phone", () => {
    const phone = { width: 312, targetHeight: 112, gap: 4 };
    const { rows, height } = justify([3, 0.45, 3, 0.45], phone, { isLastPage: true });
    expect(rows.length).toBeGreaterThan(1);
    expect(height).toBeLessThan(700);
  });

  test("have no height without images", () => {
    expect(justify([], options, { isLastPage: true })).toEqual({ rows: [], height: 0 });
  });

  test("have about the estimated height", () => {
    const mean = mixed.reduce((sum, ratio) => sum + ratio, 0) / mixed.length;
    const { height } = justify(mixed, options, { isLastPage: false });
    expect(Math.abs(estimateHeight(mixed.length, mean, options) - height) / height).toBeLessThan(0.15);
  });

  // A slow algorithm exceeds the test's timeout.
  test("of a hundred thousand images are computed in time", () => {
    const heights = Array.from({ length: 1667 }, () => justify(mixed, options, { isLastPage: false }).height);
    expect(new Set(heights).size).toBe(1);
  });
});

test("an image of unknown dimensions has a common ratio, and extreme ratios are limited", () => {
  expect(ratioOf({ width: null, height: 100 })).toBeCloseTo(4 / 3);
  expect(ratioOf({ width: 60_000, height: 1 })).toBe(3);
});
