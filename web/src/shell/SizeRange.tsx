/// Two form fields side by side, and the pair for a range of file sizes.
import { NumberInput } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./SizeRange.module.css";

const MB = 1_000_000;

/** Bytes, inclusive. */
export interface Sizes {
  size_min?: number | null;
  size_max?: number | null;
}

export function SizeRange({ sizes, onChange }: { sizes: Sizes; onChange: (change: SizeChange) => void }) {
  return (
    <FieldPair>
      <NumberInput
        label="Min. size (MB)"
        min={0}
        value={megabytes(sizes.size_min)}
        onChange={(value) => onChange({ size_min: bytes(value) })}
      />
      <NumberInput
        label="Max. size (MB)"
        min={0}
        value={megabytes(sizes.size_max)}
        onChange={(value) => onChange({ size_max: bytes(value) })}
      />
    </FieldPair>
  );
}

export interface SizeChange {
  size_min?: number;
  size_max?: number;
}

export function FieldPair({ children }: { children: ReactNode }) {
  return <div className={classes.pair}>{children}</div>;
}

const megabytes = (size_bytes: number | null | undefined): number | string => (size_bytes ? size_bytes / MB : "");

/** Return undefined, which means no limit, for an empty field and for 0. */
const bytes = (value: number | string): number | undefined =>
  typeof value === "number" && value > 0 ? Math.round(value * MB) : undefined;
