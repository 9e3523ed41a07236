/// The keys that work everywhere.
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

export const SHORTCUTS = [
  { where: "Everywhere", keys: "Ctrl K", does: "Search commands" },
  { where: "Everywhere", keys: "?", does: "This sheet" },
  { where: "Everywhere", keys: "1, 2, 3", does: "Import, gallery, jobs" },
  { where: "Gallery", keys: "/", does: "Search" },
  { where: "Gallery", keys: "Arrows, Home, End, Page", does: "Move between images" },
  { where: "Gallery", keys: "Enter", does: "Open the image" },
  { where: "Gallery", keys: "Space", does: "Select, or take out of the selection" },
  { where: "Gallery", keys: "Shift + arrows", does: "Select a range" },
  { where: "Gallery", keys: "Ctrl A", does: "Select everything" },
  { where: "Gallery", keys: "Delete", does: "Delete what is selected" },
  { where: "Gallery", keys: "Escape", does: "Select nothing" },
  { where: "Image", keys: "Left, Right", does: "The image before, the image after" },
  { where: "Image", keys: "+, −", does: "Closer, further" },
  { where: "Image", keys: "I", does: "Show what is known of it" },
  { where: "Image", keys: "Escape", does: "Back to the gallery" },
] as const;

// People who dictate hit single keys by accident: they can be turned off.
const SINGLE_KEYS = "imageferry-single-keys";

export const singleKeys = {
  on: (): boolean => localStorage.getItem(SINGLE_KEYS) !== "off",
  set: (on: boolean): void => localStorage.setItem(SINGLE_KEYS, on ? "on" : "off"),
};

/** Whether a key belongs to what is being typed rather than to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target?.closest("input, textarea, select, [contenteditable=true]") != null;
}

export function useShortcuts({ openPalette, openSheet }: { openPalette: () => void; openSheet: () => void }): void {
  const navigate = useNavigate();
  useEffect(() => {
    function pressed(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette();
        return;
      }
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!plain || isTyping(event) || document.querySelector("[role=dialog]") || !singleKeys.on()) return;
      if (event.key === "?") openSheet();
      else if (event.key === "1") void navigate({ to: "/import" });
      else if (event.key === "2") void navigate({ to: "/gallery" });
      else if (event.key === "3") void navigate({ to: "/jobs" });
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}
