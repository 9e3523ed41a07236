/// Pictures that arrive while somebody looks at others: shown at once at the top, else announced, so that nothing jumps.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useSight } from "@/api/events.ts";

const REFRESH_EVERY_MS = 1500;

export function useArrivals({ atTop }: { atTop: boolean }): { waiting: number; show: () => void } {
  const queries = useQueryClient();
  const { arrived } = useSight();
  const [seen, setSeen] = useState(arrived);
  const last = useRef(0);

  const show = (): void => {
    last.current = Date.now();
    setSeen(arrived);
    void queries.invalidateQueries({ queryKey: ["images"] });
  };

  useEffect(() => {
    if (!atTop || arrived === seen) return;
    const timer = setTimeout(show, Math.max(0, last.current + REFRESH_EVERY_MS - Date.now()));
    return () => clearTimeout(timer);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [atTop, arrived, seen]);

  return { waiting: atTop ? 0 : arrived - seen, show };
}
