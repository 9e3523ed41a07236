/// Where in the gallery each day is, from how many pictures each day has.

export interface Bucket {
  date: string;
  count: number;
}

export interface Dates {
  total: number;
  /** Share of the gallery that lies before a month begins, for each month. */
  months: { date: string; index: number }[];
  dayAt: (index: number) => string | null;
}

/** `buckets` come newest first; a gallery that is sorted oldest first is the same from its end. */
export function datesOf(buckets: readonly Bucket[], { reversed }: { reversed: boolean }): Dates {
  const ordered = reversed ? buckets.toReversed() : buckets;
  const starts = new Float64Array(ordered.length + 1);
  const months: Dates["months"] = [];
  ordered.forEach(({ date, count }, i) => {
    if (date.slice(0, 7) !== ordered[i - 1]?.date.slice(0, 7)) months.push({ date, index: starts[i] as number });
    starts[i + 1] = (starts[i] as number) + count;
  });
  const total = starts[ordered.length] ?? 0;
  return {
    total,
    months,
    dayAt: (index) => {
      let [low, high] = [0, ordered.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] as number) <= index) low = middle;
        else high = middle - 1;
      }
      return ordered[low]?.date ?? null;
    },
  };
}

export interface Label {
  date: string;
  /** From 0 at the top to 1. */
  at: number;
  year: boolean;
}

/** The years, and months where there is room for them, none nearer to another than `apart` (a share of the whole). */
export function labels({ months, total }: Dates, apart: number): Label[] {
  if (total === 0) return [];
  const all = months.map(({ date, index }, i) => ({
    date,
    at: index / total,
    year: date.slice(0, 4) !== months[i - 1]?.date.slice(0, 4),
  }));
  const kept: Label[] = [];
  const clear = (label: Label): boolean => kept.every(({ at }) => Math.abs(at - label.at) >= apart);
  for (const label of all.filter(({ year }) => year)) if (clear(label)) kept.push(label);
  for (const label of all.filter(({ year }) => !year)) if (clear(label)) kept.push(label);
  return kept.toSorted((a, b) => a.at - b.at);
}
