/// Numbers, sizes, times and states as people read them.
import type { Cause, Job } from "@/api/index.ts";

const counting = new Intl.NumberFormat("en");
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const MINUTE_S = 60;
const HOUR_S = 3600;

export const number = (value: number): string => counting.format(value);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

export function size(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** unit;
  return `${unit > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const share = (part: number, whole: number): number => (whole > 0 ? Math.min(100, (part / whole) * 100) : 0);

export function duration(seconds: number): string {
  if (seconds < MINUTE_S) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < HOUR_S) return `${Math.round(seconds / MINUTE_S)} min`;
  const hours = Math.floor(seconds / HOUR_S);
  const minutes = Math.round((seconds % HOUR_S) / MINUTE_S);
  return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
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
