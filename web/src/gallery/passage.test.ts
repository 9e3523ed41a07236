import { describe, expect, test } from "vitest";
import { Passage, TRACK_MAX } from "./passage.ts";

const SCREEN = 900;
const MILLION = 46_000_000; // px, of a million pictures

function passage(height: number): Passage {
  const made = new Passage();
  made.measure({ height, screen: SCREEN });
  return made;
}

describe("a gallery that fits", () => {
  test("is scrolled as it stands", () => {
    const short = passage(10_000);
    expect(short.track).toBe(10_000);
    short.scrolled(500);
    expect(short.place).toBe(500);
    short.scrolled(9100);
    expect(short.place).toBe(9100);
  });
});

describe("a million pictures", () => {
  test("never make an element higher than browsers allow", () => {
    expect(passage(MILLION).track).toBe(TRACK_MAX);
    expect(TRACK_MAX).toBeLessThan(2 ** 24);
  });

  test("the bar's end is the gallery's end", () => {
    const long = passage(MILLION);
    expect(long.scrolled(TRACK_MAX - SCREEN)).toBe(true);
    expect(long.place).toBeCloseTo(MILLION - SCREEN, 3);
  });

  test("a wheel's step is a step, wherever one is", () => {
    const long = passage(MILLION);
    long.scrolled(2_000_000);
    const { place } = long;
    expect(long.scrolled(2_000_120)).toBe(false);
    expect(long.place - place).toBe(120);
  });

  test("every place can be gone to, and the bar shows where it is", () => {
    const long = passage(MILLION);
    for (const place of [0, 1, 4711, 23_000_000.5, MILLION - SCREEN]) {
      const bar = long.go(place);
      expect(long.place).toBeCloseTo(place, 6);
      expect(bar).toBeGreaterThanOrEqual(0);
      expect(bar).toBeLessThanOrEqual(TRACK_MAX - SCREEN);
    }
  });

  test("after many small steps the bar belongs elsewhere, and going there moves nothing", () => {
    const long = passage(MILLION);
    for (let bar = 0; bar <= 100_000; bar += 100) long.scrolled(bar);
    expect(long.place).toBe(100_000);
    expect(long.rest).toBeLessThan(10_000);
    long.go(long.place);
    expect(long.place).toBe(100_000);
  });

  test("stops at both ends", () => {
    const long = passage(MILLION);
    long.go(50);
    long.scrolled(0);
    expect(long.place).toBeGreaterThanOrEqual(0);
    long.go(MILLION);
    long.scrolled(TRACK_MAX);
    expect(long.place).toBe(MILLION - SCREEN);
  });
});

test("what grows above the screen moves nothing on it", () => {
  const long = passage(20_000);
  long.scrolled(1500);
  long.grew(250);
  long.measure({ height: 20_250, screen: SCREEN });
  // The element did not move; the place is the same pictures' place.
  expect(long.place).toBe(1750);
  expect(long.shift).toBe(250);
});
