/// Justified layout: rows of images that fill the width.

export interface Row {
  /** Index of the row's first image, within the page. */
  first: number;
  count: number;
  height: number;
}

export interface Layout {
  rows: Row[];
  /** Height of all rows, each with the gap below it. */
  height: number;
}

export interface LayoutOptions {
  width: number;
  targetHeight: number;
  gap: number;
}

// Panoramas and very tall images are cropped, so that their neighbours stay visible.
const RATIO_MIN = 0.45;
const RATIO_MAX = 3;
const UNKNOWN_RATIO = 4 / 3;
// A row's height is at most this multiple of the target height.
const STRETCH_MAX = 2.5;
const ROW_IMAGES_MAX = 60;

/** Return width divided by height, within limits; a common ratio for an image of unknown dimensions. */
export function ratioOf({ width, height }: { width: number | null; height: number | null }): number {
  if (!width || !height) return UNKNOWN_RATIO;
  return Math.min(RATIO_MAX, Math.max(RATIO_MIN, width / height));
}

/**
 * Break a page's images into rows whose heights are closest to the target, by dynamic programming. Every row fills the
 * width, so that pages join without a gap. Only the last row of the last page may be shorter.
 */
export function justify(
  ratios: readonly number[],
  options: LayoutOptions,
  { isLastPage }: { isLastPage: boolean },
): Layout {
  const { width, targetHeight, gap } = options;
  const n = ratios.length;
  // cost[i]: cost of the best rows for the first i images. rowStart[i]: first image of the last of these rows.
  const cost = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const rowStart = new Int32Array(n + 1);
  cost[0] = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = i; j < n && j - i < ROW_IMAGES_MAX; j++) {
      sum += ratios[j] as number;
      const height = (width - gap * (j - i)) / sum;
      const total = (cost[i] as number) + badness(height / targetHeight, isLastPage && j === n - 1);
      if (total < (cost[j + 1] as number)) {
        cost[j + 1] = total;
        rowStart[j + 1] = i;
      }
      if (height < targetHeight / STRETCH_MAX) break;
    }
  }
  return buildRows(ratios, rowStart, options, isLastPage);
}

/** Return a row's cost: the square of the logarithm, so that half and twice the target height cost the same. */
function badness(stretch: number, isLastRow: boolean): number {
  if (isLastRow && stretch >= 1) return 0;
  const deviation = Math.log2(Math.max(stretch, 1e-3));
  return deviation * deviation;
}

function buildRows(
  ratios: readonly number[],
  rowStart: Int32Array,
  { width, targetHeight, gap }: LayoutOptions,
  isLastPage: boolean,
): Layout {
  const rows: Row[] = [];
  for (let end = ratios.length; end > 0; end = rowStart[end] as number) {
    const first = rowStart[end] as number;
    const sum = ratios.slice(first, end).reduce((all, ratio) => all + ratio, 0);
    const fullHeight = (width - gap * (end - first - 1)) / sum;
    const isLastRow = isLastPage && end === ratios.length;
    rows.push({
      first,
      count: end - first,
      height: Math.min(fullHeight, targetHeight * (isLastRow ? 1 : STRETCH_MAX)),
    });
  }
  rows.reverse();
  return { rows, height: rows.reduce((all, row) => all + row.height + gap, 0) };
}

/** Estimate the height of `count` images from their mean ratio. */
export function estimateHeight(count: number, meanRatio: number, { width, targetHeight, gap }: LayoutOptions): number {
  return Math.max(1, Math.round((count * (targetHeight * meanRatio + gap)) / width)) * (targetHeight + gap);
}
