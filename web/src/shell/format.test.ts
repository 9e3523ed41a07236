import { expect, test } from "vitest";
import type { Job } from "@/api/index.ts";
import {
  duration,
  durationRange,
  filesFound,
  number,
  percent,
  plural,
  relativeTime,
  size,
  typeName,
} from "./format.ts";

test("sizes have three digits and a unit", () => {
  expect([0, 999, 1000, 1_540_000, 21_500_000_000].map(size)).toEqual(["0 B", "999 B", "1.0 kB", "1.5 MB", "21.5 GB"]);
  expect([99_940, 123_456, 999_499, 999_950].map(size)).toEqual(["99.9 kB", "123 kB", "999 kB", "1.0 MB"]);
});

test("durations are rounded to a useful unit", () => {
  expect([0.2, 59, 61, 3600, 5400].map(duration)).toEqual(["1 s", "59 s", "1 min", "1 h", "1 h 30 min"]);
  expect([59.7, 3599, 7190].map(duration)).toEqual(["1 min", "1 h", "2 h"]);
});

test("the time left is a range", () => {
  expect(durationRange(20, 40)).toBe("20–40 s");
  expect(durationRange(50, 130)).toBe("50 s – 2 min");
  expect(durationRange(3600, 7300)).toBe("1 h – 2 h 2 min");
  expect(durationRange(31, 31)).toBe("31 s");
});

test("times are relative for a week", () => {
  const time = "2026-11-20T12:00:00.000Z";
  const after = (seconds: number): string => relativeTime(time, Date.parse(time) + seconds * 1000);
  expect([-5, 0, 59, 60, 7300, 86_400, 3 * 86_400].map(after)).toEqual([
    "just now",
    "just now",
    "just now",
    "1 minute ago",
    "2 hours ago",
    "yesterday",
    "3 days ago",
  ]);
  expect(after(8 * 86_400)).toContain("2026");
});

test("percentages have no blank in English", () => {
  expect(percent(100)).toBe("100%");
});

test("a file count that may still grow says so", () => {
  const job = { state: "running", listing_done: false, discovered: 10_240 } as Job;
  expect(filesFound(job)).toBe("10,240+ files (still counting)");
  expect(filesFound({ ...job, state: "paused" })).toBe("10,240+ files");
  expect(filesFound({ ...job, listing_done: true })).toBe("10,240 files");
});

test("nouns are singular or plural", () => {
  expect([plural(1, "file"), plural(2000, "file"), number(1_000_000)]).toEqual(["1 file", "2,000 files", "1,000,000"]);
});

test("types have their usual names", () => {
  expect(["image/jpeg", "image/webp", "image/svg+xml", "image/x-nikon-nef"].map(typeName)).toEqual([
    "JPEG",
    "WebP",
    "SVG",
    "NIKON-NEF",
  ]);
});
