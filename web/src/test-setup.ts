/// What jsdom lacks and the components lean on; and a clean page for each test.
import "@testing-library/jest-dom/vitest";
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);

const never = (): void => {};
window.matchMedia ??= (query) =>
  ({ matches: false, media: query, addEventListener: never, removeEventListener: never }) as unknown as MediaQueryList;
globalThis.ResizeObserver ??= class {
  observe = never;
  unobserve = never;
  disconnect = never;
};
