/// The gallery by keyboard: one picture is in the tab order, arrows move to others.
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { PER_PAGE } from "@/api/queries.ts";
import type { Layout, Measure } from "./layout.ts";
import type { Selection } from "./selection.ts";

interface Keys {
  scroller: RefObject<HTMLElement | null>;
  total: number;
  /** The first page that is laid out. */
  from: number;
  layouts: readonly (Layout | undefined)[];
  screen: number;
  measure: Measure;
  selection: Selection;
  go: (index: number, how: { into: boolean }) => void;
  onOpen: (index: number, id: number) => void;
}

export function useGridKeys({ scroller, total, from, layouts, screen, measure, selection, go, onOpen }: Keys) {
  const [active, setActive] = useState<number | null>(null);
  const wanted = useRef<number | null>(null);

  // The picture may have to be brought onto the page first.
  const claim = useCallback((): void => {
    if (wanted.current === null) return;
    const tile = scroller.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!tile) return;
    wanted.current = null;
    tile.focus({ preventScroll: true });
  }, [scroller]);
  useEffect(claim);

  const focus = (index: number): void => {
    const within = Math.max(0, Math.min(total - 1, index));
    wanted.current = within;
    setActive(within);
    go(within, { into: true });
  };

  /** The picture above or below: of the next row, the one nearest to this one's middle. */
  const vertical = (index: number, rows: 1 | -1): number => {
    const here = rowAt(layouts, from, index);
    if (!here) return index + rows;
    const middle = (here.at + 0.5) / here.count;
    const next = rows > 0 ? here.first + here.count : here.first - 1;
    if (next < 0 || next >= total) return index;
    const there = rowAt(layouts, from, next);
    return there ? there.first + Math.min(there.count - 1, Math.floor(middle * there.count)) : next;
  };

  const screenful = (index: number, direction: 1 | -1): number => {
    let moved = index;
    for (let height = 0; height + measure.target < screen; height += measure.target) moved = vertical(moved, direction);
    return moved;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const tile = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    if (!tile) return;
    const index = Number(tile.dataset.index);
    const id = Number(tile.dataset.id);
    const moves: Record<string, () => number> = {
      ArrowLeft: () => index - 1,
      ArrowRight: () => index + 1,
      ArrowUp: () => vertical(index, -1),
      ArrowDown: () => vertical(index, 1),
      PageUp: () => screenful(index, -1),
      PageDown: () => screenful(index, 1),
      Home: () => 0,
      End: () => total - 1,
    };
    const move = moves[event.key];
    if (move) {
      const to = Math.max(0, Math.min(total - 1, move()));
      if (event.shiftKey) {
        if (selection.size === 0) selection.toggle(index, id);
        selection.extend(to);
      }
      focus(to);
    } else if (event.key === "Enter") onOpen(index, id);
    else if (event.key === " ") {
      if (event.shiftKey) selection.extend(index);
      else selection.toggle(index, id);
    } else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) selection.chooseAll();
    else return;
    event.preventDefault();
  };

  return { active, setActive, focus, onKeyDown, claim };
}

function rowAt(layouts: readonly (Layout | undefined)[], from: number, index: number) {
  const page = Math.floor(index / PER_PAGE);
  const within = index % PER_PAGE;
  const row = layouts[page - from]?.rows.find(({ first, count }) => within >= first && within < first + count);
  return row ? { first: page * PER_PAGE + row.first, count: row.count, at: within - row.first } : null;
}
