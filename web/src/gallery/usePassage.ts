/// The passage through the gallery, bound to the element that is scrolled.
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Passage } from "./passage.ts";
import type { Ruler } from "./ruler.ts";

// After a leap, how long the thumb must rest until pictures are asked for; and the bar, until it is put right.
const LEAP_REST_MS = 90;
const REST_MS = 160;

export interface BoundPassage {
  place: number;
  shift: number;
  track: number;
  leaping: boolean;
  go: (place: number) => void;
  /** Heights that are known now. Answers whether anything changed. */
  know: (heights: readonly (readonly [page: number, height: number])[]) => boolean;
}

interface Bound {
  scroller: RefObject<HTMLElement | null>;
  ruler: Ruler;
  screen: number;
  onPlace: (page: number, within: number) => void;
}

export function usePassage({ scroller, ruler, screen, onPlace }: Bound): BoundPassage {
  const [passage] = useState(() => new Passage());
  const [, setSeen] = useState({ page: 0, last: 0, shift: 0 });
  const [leaping, setLeaping] = useState(false);
  const anchor = useRef({ page: 0, within: 0 });
  const told = useRef(onPlace);
  told.current = onPlace;

  /** Draw again only when another page comes near, or the pages stand elsewhere. */
  const look = (): void => {
    const page = ruler.pageAt(passage.place - screen);
    const last = ruler.pageAt(passage.place + 2 * screen);
    setSeen((seen) =>
      seen.page === page && seen.last === last && seen.shift === passage.shift
        ? seen
        : { page, last, shift: passage.shift },
    );
    const top = ruler.pageAt(passage.place);
    const within = (passage.place - ruler.top(top)) / Math.max(1, ruler.heightOf(top));
    anchor.current = { page: top, within };
    if (ruler.pages > 0) told.current(top, within);
  };

  const put = (place: number): void => {
    const bar = passage.go(place);
    if (scroller.current && Math.abs(scroller.current.scrollTop - bar) >= 1) scroller.current.scrollTop = bar;
    look();
  };

  // Another width or another number of pictures: the same picture stays at the top.
  const measured = useRef<Ruler | null>(null);
  passage.measure({ height: ruler.height, screen });
  useLayoutEffect(() => {
    const { page, within } = anchor.current;
    if (measured.current !== ruler && measured.current !== null && ruler.pages > 0) {
      put(ruler.top(Math.min(page, ruler.pages - 1)) + within * ruler.heightOf(Math.min(page, ruler.pages - 1)));
    }
    measured.current = ruler;
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [ruler]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let leap: ReturnType<typeof setTimeout>;
    let rest: ReturnType<typeof setTimeout>;
    let touched = false;
    const settle = (): void => {
      if (touched) return;
      if (Math.abs(passage.rest - element.scrollTop) > 1) put(passage.place);
    };
    const scrolled = (): void => {
      if (passage.scrolled(element.scrollTop)) {
        setLeaping(true);
        clearTimeout(leap);
        leap = setTimeout(() => setLeaping(false), LEAP_REST_MS);
      }
      clearTimeout(rest);
      rest = setTimeout(settle, REST_MS);
      look();
    };
    const touch = (event: TouchEvent): void => {
      touched = event.touches.length > 0;
      if (!touched) rest = setTimeout(settle, REST_MS);
    };
    element.addEventListener("scroll", scrolled, { passive: true });
    element.addEventListener("touchstart", touch, { passive: true });
    element.addEventListener("touchend", touch, { passive: true });
    return () => {
      clearTimeout(leap);
      clearTimeout(rest);
      setLeaping(false);
      element.removeEventListener("scroll", scrolled);
      element.removeEventListener("touchstart", touch);
      element.removeEventListener("touchend", touch);
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [ruler, screen]);

  return {
    place: passage.place,
    shift: passage.shift,
    track: passage.track,
    leaping,
    go: put,
    know: (heights) => {
      let changed = false;
      for (const [page, height] of heights) {
        const above = ruler.top(page + 1) <= passage.place;
        const change = ruler.know(page, height);
        if (change === 0) continue;
        changed = true;
        if (above) passage.grew(change);
      }
      if (changed) passage.measure({ height: ruler.height, screen });
      return changed;
    },
  };
}
