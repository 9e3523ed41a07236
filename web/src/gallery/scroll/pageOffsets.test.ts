import { expect, test } from "vitest";
import { PageOffsets } from "./pageOffsets.ts";

test("a page starts where the previous page ends", () => {
  const offsets = new PageOffsets(4, () => 100);
  expect(offsets.height).toBe(400);
  expect(offsets.setHeight(1, 150)).toBe(50);
  expect([0, 1, 2, 3, 4].map((page) => offsets.top(page))).toEqual([0, 100, 250, 350, 450]);
});

test("every offset belongs to a page", () => {
  const offsets = new PageOffsets(3, () => 100);
  expect([-5, 0, 99, 100, 299, 1e9].map((offset) => offsets.pageAt(offset))).toEqual([0, 0, 0, 1, 2, 2]);
});

// A slow algorithm exceeds the test's timeout.
test("twenty thousand pages are computed in time", () => {
  const offsets = new PageOffsets(20_000, () => 2300);
  for (let i = 0; i < 100; i++) {
    offsets.setHeight(i * 7, 2400);
    offsets.pageAt(i * 400_000);
  }
  expect(offsets.height).toBe(20_000 * 2300 + 100 * 100);
});
