import { describe, expect, test } from "vitest";
import { TRACK_HEIGHT_MAX, VirtualScroll } from "./virtualScroll.ts";

const SCREEN = 900;
const MILLION_IMAGES_PX = 46_000_000;

function scrollOver(height: number): VirtualScroll {
  const scroll = new VirtualScroll();
  scroll.setExtent({ height, screen: SCREEN });
  return scroll;
}

describe("a gallery within the height limit", () => {
  test("scrolls like an ordinary element", () => {
    const scroll = scrollOver(10_000);
    expect(scroll.trackHeight).toBe(10_000);
    scroll.onScroll(500);
    expect(scroll.offset).toBe(500);
    scroll.onScroll(9100);
    expect(scroll.offset).toBe(9100);
  });
});

describe("a gallery of a million images", () => {
  test("never makes an element higher than browsers allow", () => {
    expect(scrollOver(MILLION_IMAGES_PX).trackHeight).toBe(TRACK_HEIGHT_MAX);
    expect(TRACK_HEIGHT_MAX).toBeLessThan(2 ** 24);
  });

  test("ends where the scroll bar ends", () => {
    const scroll = scrollOver(MILLION_IMAGES_PX);
    expect(scroll.onScroll(TRACK_HEIGHT_MAX - SCREEN)).toBe(true);
    expect(scroll.offset).toBeCloseTo(MILLION_IMAGES_PX - SCREEN, 3);
  });

  test("moves by exactly one wheel step, anywhere", () => {
    const scroll = scrollOver(MILLION_IMAGES_PX);
    scroll.onScroll(2_000_000);
    const { offset } = scroll;
    expect(scroll.onScroll(2_000_120)).toBe(false);
    expect(scroll.offset - offset).toBe(120);
  });

  test("can scroll to every offset, within the scroll bar's range", () => {
    const scroll = scrollOver(MILLION_IMAGES_PX);
    for (const offset of [0, 1, 4711, 23_000_000.5, MILLION_IMAGES_PX - SCREEN]) {
      const scrollTop = scroll.scrollTo(offset);
      expect(scroll.offset).toBeCloseTo(offset, 6);
      expect(scrollTop).toBeGreaterThanOrEqual(0);
      expect(scrollTop).toBeLessThanOrEqual(TRACK_HEIGHT_MAX - SCREEN);
    }
  });

  test("aligns the scroll bar after many small steps without moving the content", () => {
    const scroll = scrollOver(MILLION_IMAGES_PX);
    for (let scrollTop = 0; scrollTop <= 100_000; scrollTop += 100) scroll.onScroll(scrollTop);
    expect(scroll.offset).toBe(100_000);
    expect(scroll.alignedScrollTop).toBeLessThan(10_000);
    scroll.scrollTo(scroll.offset);
    expect(scroll.offset).toBe(100_000);
  });

  test("stops at both ends", () => {
    const scroll = scrollOver(MILLION_IMAGES_PX);
    scroll.scrollTo(50);
    scroll.onScroll(0);
    expect(scroll.offset).toBeGreaterThanOrEqual(0);
    scroll.scrollTo(MILLION_IMAGES_PX);
    scroll.onScroll(TRACK_HEIGHT_MAX);
    expect(scroll.offset).toBe(MILLION_IMAGES_PX - SCREEN);
  });
});

test("a height change above the screen does not move the content on the screen", () => {
  const scroll = scrollOver(20_000);
  scroll.onScroll(1500);
  scroll.onHeightChangeAbove(250);
  scroll.setExtent({ height: 20_250, screen: SCREEN });
  // The element's scrollTop is the same. The offset is that of the same images.
  expect(scroll.offset).toBe(1750);
  expect(scroll.shift).toBe(250);
});
