/// Mouse and touch on the grid: a click opens an image; the checkbox, Ctrl or a long press selects; Shift selects a range.
import { type MouseEvent, type PointerEvent, useRef } from "react";
import type { Selection } from "../selection/selection.ts";

const LONG_PRESS_MS = 450;
const MOVE_TOLERANCE_PX = 10;

interface Options {
  selection: Selection;
  onOpen: (index: number, id: number) => void;
  onActivate: (index: number) => void;
}

export function useGridPointer({ selection, onOpen, onActivate }: Options) {
  const press = useRef<{ timer: ReturnType<typeof setTimeout>; x: number; y: number } | null>(null);
  const wasLongPress = useRef(false);

  const cancelPress = (): void => {
    clearTimeout(press.current?.timer);
    press.current = null;
  };

  return {
    onPointerDown: (event: PointerEvent) => {
      wasLongPress.current = false;
      const tile = tileOf(event);
      if (event.pointerType !== "touch" || !tile) return;
      const timer = setTimeout(() => {
        wasLongPress.current = true;
        selection.toggle(tile.index, tile.id);
      }, LONG_PRESS_MS);
      press.current = { timer, x: event.clientX, y: event.clientY };
    },
    onPointerMove: (event: PointerEvent) => {
      const { x, y } = press.current ?? { x: event.clientX, y: event.clientY };
      if (Math.hypot(event.clientX - x, event.clientY - y) > MOVE_TOLERANCE_PX) cancelPress();
    },
    onPointerUp: cancelPress,
    onPointerCancel: cancelPress,
    onContextMenu: (event: MouseEvent) => {
      if (press.current || wasLongPress.current) event.preventDefault();
    },
    onClick: (event: MouseEvent) => {
      const tile = tileOf(event);
      if (!tile || tile.isDeleting) return;
      // Ignore the click event at the end of a long press.
      if (wasLongPress.current) {
        wasLongPress.current = false;
        return;
      }
      onActivate(tile.index);
      if (event.shiftKey) selection.extendTo(tile.index);
      else if (selection.size > 0 || event.ctrlKey || event.metaKey || tile.isCheckbox)
        selection.toggle(tile.index, tile.id);
      else onOpen(tile.index, tile.id);
    },
  };
}

function tileOf(event: MouseEvent): { index: number; id: number; isCheckbox: boolean; isDeleting: boolean } | null {
  const target = event.target as HTMLElement;
  const tile = target.closest<HTMLElement>("[data-index]");
  if (!tile) return null;
  const { index, id, deleting } = tile.dataset;
  return {
    index: Number(index),
    id: Number(id),
    isCheckbox: target.closest("[data-checkbox]") !== null,
    isDeleting: deleting !== undefined,
  };
}
