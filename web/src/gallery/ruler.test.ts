import { expect, test } from "vitest";
import { Ruler } from "./ruler.ts";

test("a page begins where the pages before it end", () => {
  const ruler = new Ruler(4, () => 100);
  expect(ruler.height).toBe(400);
  expect(ruler.know(1, 150)).toBe(50);
  expect([0, 1, 2, 3, 4].map((page) => ruler.top(page))).toEqual([0, 100, 250, 350, 450]);
});

test("every place belongs to a page, those beyond the ends to the first and the last", () => {
  const ruler = new Ruler(3, () => 100);
  expect([-5, 0, 99, 100, 299, 1e9].map((place) => ruler.pageAt(place))).toEqual([0, 0, 0, 1, 2, 2]);
});

test("twenty thousand pages are measured in no time", () => {
  const ruler = new Ruler(20_000, () => 2300);
  const began = performance.now();
  for (let i = 0; i < 100; i++) {
    ruler.know(i * 7, 2400);
    ruler.pageAt(i * 400_000);
  }
  expect(performance.now() - began).toBeLessThan(500);
});
