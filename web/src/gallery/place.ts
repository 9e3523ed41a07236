/// Which picture is at the top of the screen: told at every step of a scroll, so that only those who show it draw anew.
import { useState, useSyncExternalStore } from "react";

export class Place {
  #index = 0;
  readonly #watchers = new Set<() => void>();

  readonly get = (): number => this.#index;

  readonly set = (index: number): void => {
    if (index === this.#index) return;
    this.#index = index;
    for (const watcher of this.#watchers) watcher();
  };

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
}

export function useNewPlace(): Place {
  const [place] = useState(() => new Place());
  return place;
}

export function useIndex(place: Place): number {
  return useSyncExternalStore(place.watch, place.get);
}

/** Whether nothing is above the screen. */
export function useAtTop(place: Place): boolean {
  return useSyncExternalStore(place.watch, () => place.get() === 0);
}
