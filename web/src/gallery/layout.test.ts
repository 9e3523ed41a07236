import { describe, expect, test } from "vitest";
import { estimate, justify, ratioOf } from "./layout.ts";

const measure = { width: 1200, target: 200, gap: 4 };
const mixed = Array.from({ length: 60 }, (_, i) => [0.67, 1.5, 1.33, 1.78, 1, 0.8, 3][i % 7] as number);

function widths(ratios: number[], rows: { first: number; count: number; height: number }[]): number[] {
  return rows.map(({ first, count, height }) =>
    ratios.slice(first, first + count).reduce((sum, ratio) => sum + ratio * height, measure.gap * (count - 1)),
  );
}

describe("justified rows", () => {
  test("every row of a page fills the width, so that pages join without a seam", () => {
    const { rows } = justify(mixed, measure, { ends: false });
    for (const width of widths(mixed, rows)) expect(width).toBeCloseTo(measure.width, 6);
  });

  test("rows keep near the height that was asked for", () => {
    const { rows } = justify(mixed, measure, { ends: false });
    for (const { height } of rows) {
      expect(height).toBeGreaterThan(measure.target * 0.7);
      expect(height).toBeLessThan(measure.target * 1.45);
    }
  });

  test("every picture is in one row, in order", () => {
    const { rows } = justify(mixed, measure, { ends: true });
    expect(rows.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i))).toEqual(
      mixed.map((_, i) => i),
    );
  });

  test("the last row of all is not blown up to fill the width", () => {
    const { rows } = justify([1.5], measure, { ends: true });
    expect(rows).toEqual([{ first: 0, count: 1, height: 200 }]);
  });

  test("a phone shows strips and towers, too", () => {
    const { rows, height } = justify([3, 0.45, 3, 0.45], { width: 312, target: 112, gap: 4 }, { ends: true });
    expect(rows.length).toBeGreaterThan(1);
    expect(height).toBeLessThan(700);
  });

  test("nothing takes no room", () => {
    expect(justify([], measure, { ends: true })).toEqual({ rows: [], height: 0 });
  });

  test("what is guessed is near what comes", () => {
    const mean = mixed.reduce((sum, ratio) => sum + ratio, 0) / mixed.length;
    const { height } = justify(mixed, measure, { ends: false });
    expect(Math.abs(estimate(mixed.length, mean, measure) - height) / height).toBeLessThan(0.15);
  });

  test("a hundred thousand pictures take well under a second", () => {
    const began = performance.now();
    for (let page = 0; page < 1667; page++) justify(mixed, measure, { ends: false });
    expect(performance.now() - began).toBeLessThan(1500);
  });
});

test("a picture that nobody measured has the usual shape", () => {
  expect(ratioOf({ width: null, height: 100 })).toBeCloseTo(4 / 3);
  expect(ratioOf({ width: 60_000, height: 1 })).toBe(3);
});
