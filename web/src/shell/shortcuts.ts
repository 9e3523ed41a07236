/// Keyboard shortcuts: what they do, and those that work on every page.
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

export const SHORTCUTS = [
  { where: "Everywhere", keys: "Ctrl K", does: "Search commands" },
  { where: "Everywhere", keys: "?", does: "Show shortcuts" },
  { where: "Everywhere", keys: "1, 2, 3", does: "New import, gallery, imports" },
  { where: "Gallery", keys: "/", does: "Search" },
  { where: "Gallery", keys: "Arrows, Home, End, Page Up, Page Down", does: "Move between images" },
  { where: "Gallery", keys: "Enter", does: "Open image" },
  { where: "Gallery", keys: "Space", does: "Select or deselect" },
  { where: "Gallery", keys: "Shift + arrows", does: "Select a range" },
  { where: "Gallery", keys: "Ctrl A", does: "Select all" },
  { where: "Gallery", keys: "Delete", does: "Delete selected images" },
  { where: "Gallery", keys: "Escape", does: "Clear selection" },
  { where: "Image", keys: "Left, Right", does: "Previous, next" },
  { where: "Image", keys: "+, −", does: "Zoom in, out" },
  { where: "Image", keys: "I", does: "Show or hide details" },
  { where: "Image", keys: "Escape", does: "Back to the gallery" },
] as const;

// Speech input triggers single-key shortcuts by accident, so they can be turned off (WCAG 2.1.4).
const SINGLE_KEYS = "imageferry-single-keys";

export const singleKeys = {
  isOn: (): boolean => localStorage.getItem(SINGLE_KEYS) !== "off",
  set: (on: boolean): void => localStorage.setItem(SINGLE_KEYS, on ? "on" : "off"),
};

/** Whether the key goes into a text field. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target?.closest("input, textarea, select, [contenteditable=true]") != null;
}

export function useShortcuts({ openPalette, openSheet }: { openPalette: () => void; openSheet: () => void }): void {
  const navigate = useNavigate();
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette();
        return;
      }
      const isUnmodified = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!isUnmodified || isTyping(event) || document.querySelector("[role=dialog]") || !singleKeys.isOn()) return;
      if (event.key === "?") openSheet();
      else if (event.key === "1") void navigate({ to: "/import" });
      else if (event.key === "2") void navigate({ to: "/gallery" });
      else if (event.key === "3") void navigate({ to: "/jobs" });
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
}
