/// Numbers, sizes, times and states as people read them.
import type { Cause, Job } from "@/api/index.ts";

const counting = new Intl.NumberFormat("en");
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const MINUTE_S = 60;
const HOUR_MIN = 60;

export const number = (value: number): string => counting.format(value);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000; // which would be rounded to 1000
  return `${unit > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const share = (part: number, whole: number): number => (whole > 0 ? Math.min(100, (part / whole) * 100) : 0);

export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < MINUTE_S) return `${whole} s`;
  const minutes = Math.round(whole / MINUTE_S);
  if (minutes < HOUR_MIN) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / HOUR_MIN), minutes % HOUR_MIN];
  return rest ? `${hours} h ${rest} min` : `${hours} h`;
}

/** A range, for one number would claim more than is known. */
export function range(min_s: number, max_s: number): string {
  const [least, most] = [duration(min_s), duration(max_s)];
  if (least === most) return least;
  const [number_, unit] = least.split(" ");
  return most.endsWith(` ${unit}`) && !most.includes("h ") ? `${number_}–${most}` : `${least} – ${most}`;
}

/** What the catalog calls a time: UTC, with or without saying so. */
export function instant(time: string): Date {
  return new Date(/(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`);
}

const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const days = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" });
const months = new Intl.DateTimeFormat("en", { month: "short", year: "numeric", timeZone: "UTC" });

export const moment = (time: string): string => moments.format(instant(time));
/** Of a camera's clock, whose zone nobody knows: shown as it stands. */
export const cameraTime = (time: string): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }).format(
    new Date(`${time.replace(/Z$/, "")}Z`),
  );
export const day = (date: string): string => days.format(new Date(`${date}T00:00:00Z`));
export const month = (date: string): string => months.format(new Date(`${date}T00:00:00Z`));

/** A type as people call it; where none is told, just that it is a file. */
export function typeName(mime_type: string): string {
  if (!mime_type.startsWith("image/")) return "FILE";
  return mime_type
    .replace(/^image\/(x-)?/, "")
    .replace(/\+xml$/, "")
    .toUpperCase();
}

export const STATES: Record<Job["state"], string> = {
  accepted: "Starting",
  running: "Importing",
  waiting: "Waiting",
  paused: "Paused",
  cancelling: "Cancelling",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const MENDERS: Record<Cause["mender"], string> = {
  owner: "The folder’s owner can mend it",
  operator: "You can mend it",
  later: "It mends itself: retry later",
  nobody: "Nothing to mend",
};

const ENDED: ReadonlySet<Job["state"]> = new Set(["completed", "failed", "cancelled"] as const);

export const isUnderWay = (job: Pick<Job, "state">): boolean => !ENDED.has(job.state);

export const jobName = (job: Pick<Job, "folder_name">): string => job.folder_name ?? "A folder";

/** How many files there are, honestly: more may be found while the listing goes on. */
export function found(job: Job): string {
  return isUnderWay(job) && !job.listing_done ? `${number(job.discovered)}+ (still counting)` : number(job.discovered);
}
