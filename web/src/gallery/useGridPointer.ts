/// The gallery by mouse and touch: a click opens, a mark or a long press chooses, Shift chooses a range.
import { type MouseEvent, type PointerEvent, useRef } from "react";
import type { Selection } from "./selection.ts";

const LONG_PRESS_MS = 450;
const STILL_PX = 10;

interface Pointer {
  selection: Selection;
  onOpen: (index: number, id: number) => void;
  onActive: (index: number) => void;
}

export function useGridPointer({ selection, onOpen, onActive }: Pointer) {
  const press = useRef<{ timer: ReturnType<typeof setTimeout>; x: number; y: number } | null>(null);
  const pressed = useRef(false);

  const release = (): void => {
    clearTimeout(press.current?.timer);
    press.current = null;
  };

  return {
    onPointerDown: (event: PointerEvent) => {
      pressed.current = false;
      const tile = tileOf(event);
      if (event.pointerType !== "touch" || !tile) return;
      const timer = setTimeout(() => {
        pressed.current = true;
        selection.toggle(tile.index, tile.id);
      }, LONG_PRESS_MS);
      press.current = { timer, x: event.clientX, y: event.clientY };
    },
    onPointerMove: (event: PointerEvent) => {
      const { x, y } = press.current ?? { x: event.clientX, y: event.clientY };
      if (Math.hypot(event.clientX - x, event.clientY - y) > STILL_PX) release();
    },
    onPointerUp: release,
    onPointerCancel: release,
    onContextMenu: (event: MouseEvent) => {
      if (press.current || pressed.current) event.preventDefault();
    },
    onClick: (event: MouseEvent) => {
      const tile = tileOf(event);
      if (!tile || tile.leaving) return;
      // The click that ends a long press is no click.
      if (pressed.current) {
        pressed.current = false;
        return;
      }
      onActive(tile.index);
      if (event.shiftKey) selection.extend(tile.index);
      else if (selection.size > 0 || event.ctrlKey || event.metaKey || tile.marked)
        selection.toggle(tile.index, tile.id);
      else onOpen(tile.index, tile.id);
    },
  };
}

function tileOf(event: MouseEvent): { index: number; id: number; marked: boolean; leaving: boolean } | null {
  const target = event.target as HTMLElement;
  const tile = target.closest<HTMLElement>("[data-index]");
  if (!tile) return null;
  const { index, id, leaving } = tile.dataset;
  return {
    index: Number(index),
    id: Number(id),
    marked: target.closest("[data-mark]") !== null,
    leaving: leaving !== undefined,
  };
}
