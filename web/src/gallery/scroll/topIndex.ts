/// The index of the image at the top of the screen. A store, not state: only the components that show it render on scroll.
import { useState, useSyncExternalStore } from "react";

export class TopIndex {
  #index = 0;
  readonly #listeners = new Set<() => void>();

  readonly get = (): number => this.#index;

  readonly set = (index: number): void => {
    if (index === this.#index) return;
    this.#index = index;
    for (const listener of this.#listeners) listener();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export function useTopIndexStore(): TopIndex {
  const [topIndex] = useState(() => new TopIndex());
  return topIndex;
}

export function useTopIndex(topIndex: TopIndex): number {
  return useSyncExternalStore(topIndex.subscribe, topIndex.get);
}

export function useIsAtTop(topIndex: TopIndex): boolean {
  return useSyncExternalStore(topIndex.subscribe, () => topIndex.get() === 0);
}
