/// Images that are stored while the gallery is open: shown at once at the top, otherwise only counted, so that the gallery
/// doesn't jump under the reader.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useEventStream } from "@/api/eventStream.ts";

const REFRESH_EVERY_MS = 1500;

/** Return how many new images are not shown yet, and a function that shows them. */
export function useNewImages({ isAtTop }: { isAtTop: boolean }): { count: number; show: () => void } {
  const queryClient = useQueryClient();
  const { imagesStored } = useEventStream();
  const [shown, setShown] = useState(imagesStored);
  const last_refresh_ms = useRef(0);

  const show = (): void => {
    last_refresh_ms.current = Date.now();
    setShown(imagesStored);
    void queryClient.invalidateQueries({ queryKey: ["images"] });
  };

  useEffect(() => {
    if (!isAtTop || imagesStored === shown) return;
    const timer = setTimeout(show, Math.max(0, last_refresh_ms.current + REFRESH_EVERY_MS - Date.now()));
    return () => clearTimeout(timer);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [isAtTop, imagesStored, shown]);

  return { count: isAtTop ? 0 : imagesStored - shown, show };
}
