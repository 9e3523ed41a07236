/// Transfer rates of a job, computed from its progress samples.
import { parseTime } from "@/shell/format.ts";

export interface ProgressSample {
  at: string;
  processed: number;
}

const POINTS_MAX = 60;
const INTERVAL_MIN_S = 1;

/**
 * Return the points of a chart: seconds since the epoch, and files/s since the previous point. Samples are written
 * whenever a batch ends. Points have a minimum distance, so that the end of one batch does not show as a peak.
 */
export function rates(samples: readonly ProgressSample[]): [number[], number[]] {
  const seconds = samples.map(({ at }) => parseTime(at).getTime() / 1000);
  const span_s = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0);
  const interval_s = Math.max(INTERVAL_MIN_S, span_s / POINTS_MAX);
  const at: number[] = [];
  const rate: number[] = [];
  let from = 0;
  for (let to = 1; to < samples.length; to++) {
    const elapsed_s = (seconds[to] as number) - (seconds[from] as number);
    const isLast = to === samples.length - 1;
    if (elapsed_s < interval_s && !(isLast && elapsed_s > interval_s / 2)) continue;
    at.push(seconds[to] as number);
    rate.push(
      Math.max(
        0,
        ((samples[to] as ProgressSample).processed - (samples[from] as ProgressSample).processed) / elapsed_s,
      ),
    );
    from = to;
  }
  return [at, rate];
}
