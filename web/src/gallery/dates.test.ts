import { expect, test } from "vitest";
import { datesOf, labels } from "./dates.ts";

const buckets = [
  { date: "2026-02-03", count: 10 },
  { date: "2026-02-01", count: 20 },
  { date: "2025-12-31", count: 30 },
  { date: "2024-06-01", count: 40 },
];

test("a picture's place tells its day", () => {
  const dates = datesOf(buckets, { reversed: false });
  expect([0, 9, 10, 29, 30, 60, 99].map(dates.dayAt)).toEqual([
    "2026-02-03",
    "2026-02-03",
    "2026-02-01",
    "2026-02-01",
    "2025-12-31",
    "2024-06-01",
    "2024-06-01",
  ]);
});

test("the same from its end, when the oldest come first", () => {
  const dates = datesOf(buckets, { reversed: true });
  expect(dates.dayAt(0)).toBe("2024-06-01");
  expect(dates.months).toEqual([
    { date: "2024-06-01", index: 0 },
    { date: "2025-12-31", index: 40 },
    { date: "2026-02-01", index: 70 },
  ]);
});

test("years are labelled first, and no label lies on another", () => {
  const dates = datesOf(buckets, { reversed: false });
  expect(labels(dates, 0.05).map(({ date }) => date)).toEqual(["2026-02-03", "2025-12-31", "2024-06-01"]);
  expect(labels(dates, 0.5).map(({ date }) => date)).toEqual(["2026-02-03", "2024-06-01"]);
});

test("no pictures, no dates", () => {
  const dates = datesOf([], { reversed: false });
  expect(dates.dayAt(0)).toBeNull();
  expect(labels(dates, 0.1)).toEqual([]);
});
