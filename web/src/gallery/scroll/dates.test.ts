import { expect, test } from "vitest";
import { indexDates, timelineLabels } from "./dates.ts";

const buckets = [
  { date: "2026-02-03", count: 10 },
  { date: "2026-02-01", count: 20 },
  { date: "2025-12-31", count: 30 },
  { date: "2024-06-01", count: 40 },
];

test("an index maps to a day", () => {
  const dates = indexDates(buckets, { reversed: false });
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

test("with the oldest first, the index counts from the other end", () => {
  const dates = indexDates(buckets, { reversed: true });
  expect(dates.dayAt(0)).toBe("2024-06-01");
  expect(dates.months).toEqual([
    { date: "2024-06-01", index: 0 },
    { date: "2025-12-31", index: 40 },
    { date: "2026-02-01", index: 70 },
  ]);
});

test("years are labelled first, and labels do not overlap", () => {
  const dates = indexDates(buckets, { reversed: false });
  expect(timelineLabels(dates, 0.05).map(({ date }) => date)).toEqual(["2026-02-03", "2025-12-31", "2024-06-01"]);
  expect(timelineLabels(dates, 0.5).map(({ date }) => date)).toEqual(["2026-02-03", "2024-06-01"]);
});

test("an empty gallery has no dates", () => {
  const dates = indexDates([], { reversed: false });
  expect(dates.dayAt(0)).toBeNull();
  expect(timelineLabels(dates, 0.1)).toEqual([]);
});
