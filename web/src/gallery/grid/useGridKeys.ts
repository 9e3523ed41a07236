/// Keyboard navigation of the grid: one image is in the tab order, and the arrow keys move the focus.
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { PER_PAGE } from "@/api/queries.ts";
import type { Selection } from "../selection/selection.ts";
import type { Layout } from "./layout.ts";

interface Options {
  scroller: RefObject<HTMLElement | null>;
  total: number;
  /** The page of layouts[0]. */
  firstPage: number;
  layouts: readonly (Layout | undefined)[];
  screen: number;
  /** Target height of a row. */
  targetHeight: number;
  selection: Selection;
  goTo: (index: number, options: { nearest: boolean }) => void;
  onOpen: (index: number, id: number) => void;
}

export function useGridKeys(options: Options) {
  const { scroller, total, firstPage, layouts, screen, targetHeight, selection, goTo, onOpen } = options;
  const [active, setActive] = useState<number | null>(null);
  const pendingFocus = useRef<number | null>(null);

  // The tile may not be in the document yet: called again after each render.
  const applyFocus = useCallback((): void => {
    if (pendingFocus.current === null) return;
    const tile = scroller.current?.querySelector<HTMLElement>(`[data-index="${pendingFocus.current}"]`);
    if (!tile) return;
    pendingFocus.current = null;
    tile.focus({ preventScroll: true });
  }, [scroller]);
  useEffect(applyFocus);

  const focus = (index: number): void => {
    const target = Math.max(0, Math.min(total - 1, index));
    pendingFocus.current = target;
    setActive(target);
    goTo(target, { nearest: true });
  };

  /** Return the image of the row above or below that is closest horizontally. */
  const verticalNeighbour = (index: number, direction: 1 | -1): number => {
    const row = rowAt(layouts, firstPage, index);
    if (!row) return index + direction;
    const fraction = (row.column + 0.5) / row.count;
    const next = direction > 0 ? row.first + row.count : row.first - 1;
    if (next < 0 || next >= total) return index;
    const nextRow = rowAt(layouts, firstPage, next);
    return nextRow ? nextRow.first + Math.min(nextRow.count - 1, Math.floor(fraction * nextRow.count)) : next;
  };

  const screenAway = (index: number, direction: 1 | -1): number => {
    let target = index;
    for (let height = 0; height + targetHeight < screen; height += targetHeight)
      target = verticalNeighbour(target, direction);
    return target;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const tile = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    if (!tile) return;
    const index = Number(tile.dataset.index);
    const id = Number(tile.dataset.id);
    const targets: Record<string, () => number> = {
      ArrowLeft: () => index - 1,
      ArrowRight: () => index + 1,
      ArrowUp: () => verticalNeighbour(index, -1),
      ArrowDown: () => verticalNeighbour(index, 1),
      PageUp: () => screenAway(index, -1),
      PageDown: () => screenAway(index, 1),
      Home: () => 0,
      End: () => total - 1,
    };
    const target = targets[event.key];
    if (target) {
      const to = Math.max(0, Math.min(total - 1, target()));
      if (event.shiftKey) {
        if (selection.size === 0) selection.toggle(index, id);
        selection.extendTo(to);
      }
      focus(to);
    } else if (event.key === "Enter") onOpen(index, id);
    else if (event.key === " ") {
      if (event.shiftKey) selection.extendTo(index);
      else selection.toggle(index, id);
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) selection.selectAll();
    else return;
    event.preventDefault();
  };

  return { active, setActive, focus, onKeyDown, applyFocus };
}

function rowAt(layouts: readonly (Layout | undefined)[], firstPage: number, index: number) {
  const page = Math.floor(index / PER_PAGE);
  const indexOnPage = index % PER_PAGE;
  const row = layouts[page - firstPage]?.rows.find(
    ({ first, count }) => indexOnPage >= first && indexOnPage < first + count,
  );
  return row ? { first: page * PER_PAGE + row.first, count: row.count, column: indexOnPage - row.first } : null;
}
