/// Binds a VirtualScroll to the element that is scrolled.
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { PageOffsets } from "./pageOffsets.ts";
import { VirtualScroll } from "./virtualScroll.ts";

// How long the scroll bar must rest after a jump before images are requested.
const JUMP_REST_MS = 90;
// How long scrolling must rest before the scroll bar is aligned with the offset.
const ALIGN_REST_MS = 160;

export interface BoundVirtualScroll {
  offset: number;
  shift: number;
  trackHeight: number;
  /** True from a jump of the scroll bar until it rests. */
  isJumping: boolean;
  scrollTo: (offset: number) => void;
  /** Replace estimated page heights. Return whether any height changed. */
  setHeights: (heights: readonly (readonly [page: number, height: number])[]) => boolean;
}

interface Options {
  scroller: RefObject<HTMLElement | null>;
  offsets: PageOffsets;
  /** Height of the visible part. */
  screen: number;
  /** Called with the page at the top of the screen, and the fraction of its height that is above. */
  onTopChange: (page: number, fraction: number) => void;
}

export function useVirtualScroll({ scroller, offsets, screen, onTopChange }: Options): BoundVirtualScroll {
  const [scroll] = useState(() => new VirtualScroll());
  const [, setRange] = useState({ first: 0, last: 0, shift: 0 });
  const [isJumping, setJumping] = useState(false);
  const anchor = useRef({ page: 0, fraction: 0 });
  const topChangeHandler = useRef(onTopChange);
  topChangeHandler.current = onTopChange;

  /** Render only when the range of pages near the screen, or their position, changes. */
  const update = (): void => {
    const first = offsets.pageAt(scroll.offset - screen);
    const last = offsets.pageAt(scroll.offset + 2 * screen);
    const { shift } = scroll;
    setRange((range) =>
      range.first === first && range.last === last && range.shift === shift ? range : { first, last, shift },
    );
    const page = offsets.pageAt(scroll.offset);
    const fraction = (scroll.offset - offsets.top(page)) / Math.max(1, offsets.heightOf(page));
    anchor.current = { page, fraction };
    if (offsets.pages > 0) topChangeHandler.current(page, fraction);
  };

  const scrollTo = (offset: number): void => {
    const scrollTop = scroll.scrollTo(offset);
    if (scroller.current && Math.abs(scroller.current.scrollTop - scrollTop) >= 1)
      scroller.current.scrollTop = scrollTop;
    update();
  };

  // When the width or the number of images changes, keep the same image at the top.
  const previousOffsets = useRef<PageOffsets | null>(null);
  scroll.setExtent({ height: offsets.height, screen });
  useLayoutEffect(() => {
    if (previousOffsets.current !== offsets && previousOffsets.current !== null && offsets.pages > 0) {
      const page = Math.min(anchor.current.page, offsets.pages - 1);
      scrollTo(offsets.top(page) + anchor.current.fraction * offsets.heightOf(page));
    }
    previousOffsets.current = offsets;
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [offsets]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let jumpTimer: ReturnType<typeof setTimeout>;
    let alignTimer: ReturnType<typeof setTimeout>;
    let isTouched = false;
    const align = (): void => {
      if (isTouched) return;
      if (Math.abs(scroll.alignedScrollTop - element.scrollTop) > 1) scrollTo(scroll.offset);
    };
    const onScroll = (): void => {
      if (scroll.onScroll(element.scrollTop)) {
        setJumping(true);
        clearTimeout(jumpTimer);
        jumpTimer = setTimeout(() => setJumping(false), JUMP_REST_MS);
      }
      clearTimeout(alignTimer);
      alignTimer = setTimeout(align, ALIGN_REST_MS);
      update();
    };
    const onTouch = (event: TouchEvent): void => {
      isTouched = event.touches.length > 0;
      if (!isTouched) alignTimer = setTimeout(align, ALIGN_REST_MS);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    element.addEventListener("touchstart", onTouch, { passive: true });
    element.addEventListener("touchend", onTouch, { passive: true });
    return () => {
      clearTimeout(jumpTimer);
      clearTimeout(alignTimer);
      setJumping(false);
      element.removeEventListener("scroll", onScroll);
      element.removeEventListener("touchstart", onTouch);
      element.removeEventListener("touchend", onTouch);
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [offsets, screen]);

  return {
    offset: scroll.offset,
    shift: scroll.shift,
    trackHeight: scroll.trackHeight,
    isJumping,
    scrollTo,
    setHeights: (heights) => {
      let hasChanged = false;
      for (const [page, height] of heights) {
        const isAbove = offsets.top(page + 1) <= scroll.offset;
        const change = offsets.setHeight(page, height);
        if (change === 0) continue;
        hasChanged = true;
        if (isAbove) scroll.onHeightChangeAbove(change);
      }
      if (hasChanged) scroll.setExtent({ height: offsets.height, screen });
      return hasChanged;
    },
  };
}
