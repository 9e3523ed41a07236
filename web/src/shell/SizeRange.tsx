/// From and to, side by side; and the two for a file's size.
import { NumberInput } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./SizeRange.module.css";

const MB = 1_000_000;

/** In bytes, both included. */
export interface Sizes {
  size_min?: number | null;
  size_max?: number | null;
}

export function SizeRange({ sizes, onChange }: { sizes: Sizes; onChange: (change: SizeChange) => void }) {
  return (
    <Pair>
      <NumberInput
        label="Size from, MB"
        min={0}
        value={shown(sizes.size_min)}
        onChange={(value) => onChange({ size_min: bytes(value) })}
      />
      <NumberInput
        label="Size to, MB"
        min={0}
        value={shown(sizes.size_max)}
        onChange={(value) => onChange({ size_max: bytes(value) })}
      />
    </Pair>
  );
}

export interface SizeChange {
  size_min?: number;
  size_max?: number;
}

export function Pair({ children }: { children: ReactNode }) {
  return <div className={classes.pair}>{children}</div>;
}

const shown = (size_bytes: number | null | undefined): number | string => (size_bytes ? size_bytes / MB : "");

/** Nothing, and zero, are no bound. */
const bytes = (megabytes: number | string): number | undefined =>
  typeof megabytes === "number" && megabytes > 0 ? Math.round(megabytes * MB) : undefined;
