import { expect, test } from "vitest";
import type { Job } from "@/api/index.ts";
import { duration, found, number, plural, range, size, typeName } from "./wording.ts";

test("sizes are short and have their unit", () => {
  expect([0, 999, 1000, 1_540_000, 21_500_000_000].map(size)).toEqual(["0 B", "999 B", "1.0 kB", "1.5 MB", "21.5 GB"]);
  expect([99_940, 123_456, 999_499, 999_950].map(size)).toEqual(["99.9 kB", "123 kB", "999 kB", "1.0 MB"]);
});

test("durations are as exact as one can use", () => {
  expect([0.2, 59, 61, 3600, 5400].map(duration)).toEqual(["1 s", "59 s", "1 min", "1 h", "1 h 30 min"]);
  expect([59.7, 3599, 7190].map(duration)).toEqual(["1 min", "1 h", "2 h"]);
});

test("what is left is a range", () => {
  expect(range(20, 40)).toBe("20–40 s");
  expect(range(50, 130)).toBe("50 s – 2 min");
  expect(range(3600, 7300)).toBe("1 h – 2 h 2 min");
  expect(range(31, 31)).toBe("31 s");
});

test("while it is counted, a number is said to grow", () => {
  const job = { state: "running", listing_done: false, discovered: 10_240 } as Job;
  expect(found(job)).toBe("10,240+ (still counting)");
  expect(found({ ...job, listing_done: true })).toBe("10,240");
});

test("one is not many", () => {
  expect([plural(1, "file"), plural(2000, "file"), number(1_000_000)]).toEqual(["1 file", "2,000 files", "1,000,000"]);
});

test("types by the names that people use", () => {
  expect(["image/jpeg", "image/svg+xml", "image/x-nikon-nef"].map(typeName)).toEqual(["JPEG", "SVG", "NIKON-NEF"]);
});
