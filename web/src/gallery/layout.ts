/// Justified rows: pictures of any shape in rows that fill the width, by plain arithmetic.

export interface Row {
  /** Index of its first picture, within what was laid out. */
  first: number;
  count: number;
  height: number;
}

export interface Layout {
  rows: Row[];
  /** Of all rows, with the gap under each. */
  height: number;
}

export interface Measure {
  width: number;
  /** The height that rows should have, about. */
  target: number;
  gap: number;
}

// A strip or a tower would leave nothing of its neighbours.
const RATIO_MIN = 0.45;
const RATIO_MAX = 3;
const UNKNOWN_RATIO = 4 / 3;
const TALLEST = 2.5;
const ROW_MAX = 60;

/** Width over height, within bounds; of a picture that nobody measured, the usual. */
export function ratioOf(picture: { width: number | null; height: number | null }): number {
  const { width, height } = picture;
  if (!width || !height) return UNKNOWN_RATIO;
  return Math.min(RATIO_MAX, Math.max(RATIO_MIN, width / height));
}

/**
 * The rows whose heights are nearest to the target in all. Every row fills the width, so that one page of the gallery
 * joins the next without a seam; only the last row of the last page (`ends`) may stop short.
 */
export function justify(
  ratios: readonly number[],
  { width, target, gap }: Measure,
  { ends }: { ends: boolean },
): Layout {
  const n = ratios.length;
  // cost[i]: of the best rows for the first i pictures; from[i]: where the last of these rows begins.
  const cost = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const from = new Int32Array(n + 1);
  cost[0] = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = i; j < n && j - i < ROW_MAX; j++) {
      sum += ratios[j] as number;
      const height = (width - gap * (j - i)) / sum;
      const total = (cost[i] as number) + badness(height / target, ends && j === n - 1);
      if (total < (cost[j + 1] as number)) {
        cost[j + 1] = total;
        from[j + 1] = i;
      }
      if (height < target / TALLEST) break;
    }
  }
  return stacked(ratios, from, { width, target, gap }, ends);
}

/** How far a row is from what it should be: half as high is as bad as twice as high. */
function badness(stretch: number, last: boolean): number {
  if (last && stretch >= 1) return 0;
  const off = Math.log2(Math.max(stretch, 1e-3));
  return off * off;
}

function stacked(ratios: readonly number[], from: Int32Array, { width, target, gap }: Measure, ends: boolean): Layout {
  const rows: Row[] = [];
  for (let end = ratios.length; end > 0; end = from[end] as number) {
    const first = from[end] as number;
    const sum = ratios.slice(first, end).reduce((all, ratio) => all + ratio, 0);
    const full = (width - gap * (end - first - 1)) / sum;
    const height = ends && end === ratios.length ? Math.min(full, target) : Math.min(full, target * TALLEST);
    rows.push({ first, count: end - first, height });
  }
  rows.reverse();
  return { rows, height: rows.reduce((all, row) => all + row.height + gap, 0) };
}

/** How high so many pictures will be, when only the mean of their shapes is known. */
export function estimate(count: number, ratio: number, { width, target, gap }: Measure): number {
  return Math.max(1, Math.round((count * (target * ratio + gap)) / width)) * (target + gap);
}
