/// Files a second over a job's time, from what was counted now and then.
import { instant } from "@/shell/wording.ts";

export interface Counted {
  at: string;
  processed: number;
}

const POINTS_MAX = 60;
const APART_MIN_S = 1;

/**
 * Seconds since the epoch, and files a second since the point before. Counts come as changes come: points are apart
 * enough that one batch, which ends in an instant, is no peak.
 */
export function rates(counts: readonly Counted[]): [number[], number[]] {
  const seconds = counts.map(({ at }) => instant(at).getTime() / 1000);
  const span_s = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0);
  const apart_s = Math.max(APART_MIN_S, span_s / POINTS_MAX);
  const at: number[] = [];
  const rate: number[] = [];
  let from = 0;
  for (let to = 1; to < counts.length; to++) {
    const passed_s = (seconds[to] as number) - (seconds[from] as number);
    const last = to === counts.length - 1;
    if (passed_s < apart_s && !(last && passed_s > apart_s / 2)) continue;
    at.push(seconds[to] as number);
    rate.push(Math.max(0, ((counts[to] as Counted).processed - (counts[from] as Counted).processed) / passed_s));
    from = to;
  }
  return [at, rate];
}
