/// Maps gallery indexes to days, computed from the number of images of each day.

export interface Bucket {
  date: string;
  count: number;
}

export interface DateIndex {
  /** The number of images with a date. */
  total: number;
  /** The first date and its index, for each month. */
  months: { date: string; index: number }[];
  /** Return the date of the image at an index; null when there are no dates. */
  dayAt: (index: number) => string | null;
}

/** `buckets` are ordered newest first; `reversed` is for a gallery that is sorted oldest first. */
export function indexDates(buckets: readonly Bucket[], { reversed }: { reversed: boolean }): DateIndex {
  const ordered = reversed ? buckets.toReversed() : buckets;
  const starts = new Float64Array(ordered.length + 1);
  const months: DateIndex["months"] = [];
  ordered.forEach(({ date, count }, i) => {
    if (date.slice(0, 7) !== ordered[i - 1]?.date.slice(0, 7)) months.push({ date, index: starts[i] as number });
    starts[i + 1] = (starts[i] as number) + count;
  });
  const total = starts[ordered.length] ?? 0;
  return {
    total,
    months,
    /** Return the date of the image at an index; null when there are no dates. */
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
  /** Position on the timeline, from 0 (top) to 1. */
  at: number;
  /** Whether the label shows the year instead of the month. */
  isYear: boolean;
}

/** Choose the labels of the timeline: years first, then months. `distance_min` is a share of the timeline's length. */
export function timelineLabels({ months, total }: DateIndex, distance_min: number): Label[] {
  if (total === 0) return [];
  const candidates = months.map(({ date, index }, i) => ({
    date,
    at: index / total,
    isYear: date.slice(0, 4) !== months[i - 1]?.date.slice(0, 4),
  }));
  const labels: Label[] = [];
  const fits = (label: Label): boolean => labels.every(({ at }) => Math.abs(at - label.at) >= distance_min);
  for (const label of candidates.filter(({ isYear }) => isYear)) if (fits(label)) labels.push(label);
  for (const label of candidates.filter(({ isYear }) => !isYear)) if (fits(label)) labels.push(label);
  return labels.toSorted((a, b) => a.at - b.at);
}
