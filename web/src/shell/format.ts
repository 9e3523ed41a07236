/// Numbers, sizes, times and states as people read them.
//
// Digits, units and dates follow the browser's languages. Words stay English, like the rest of the page.
import type { ReasonCount, Job } from "@/api/index.ts";

/** The reader's languages, for Intl; empty for the browser's default. */
export const LANGUAGES = navigator.languages.filter(isSupported);
const SIZE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
const HOUR_MIN = 60;
const RELATIVE_DAYS_MAX = 7;

/** Some browsers report languages that Intl rejects, such as "en-US@posix". */
function isSupported(language: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(language).length > 0;
  } catch {
    return false;
  }
}

const numbers = new Intl.NumberFormat(LANGUAGES);
const decimals = new Intl.NumberFormat(LANGUAGES, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(LANGUAGES, { style: "percent" });

export const number = (value: number): string => numbers.format(value);
export const decimal = (value: number): string => decimals.format(value);
/** `value` is 0 to 100. */
export const percent = (value: number): string => percents.format(value / 100);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

const sizeFormats = new Map<string, Intl.NumberFormat>();

function sizeFormat(unit: string, fractionDigits: number): Intl.NumberFormat {
  const key = `${unit} ${fractionDigits}`;
  const cached = sizeFormats.get(key);
  if (cached) return cached;
  const digits = { minimumFractionDigits: fractionDigits, maximumFractionDigits: fractionDigits };
  const format = new Intl.NumberFormat(LANGUAGES, { style: "unit", unit, unitDisplay: "short", ...digits });
  sizeFormats.set(key, format);
  return format;
}

/** Format bytes in decimal units with three digits: "999 B", "1.5 MB", "123 kB". */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < SIZE_UNITS.length - 1; unit++) value /= 1000; // 999.5 would be rounded to 1000
  // In English, Intl's short form of this unit is "byte".
  if (unit === 0) return `${number(value)} B`;
  return sizeFormat(SIZE_UNITS[unit] as string, value < 99.95 ? 1 : 0).format(value);
}

/** Return `part` of `whole` as 0 to 100; 0 when `whole` is 0. */
export const percentage = (part: number, whole: number): number =>
  whole > 0 ? Math.min(100, (part / whole) * 100) : 0;

export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < MINUTE_S) return `${whole} s`;
  const minutes = Math.round(whole / MINUTE_S);
  if (minutes < HOUR_MIN) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / HOUR_MIN), minutes % HOUR_MIN];
  return rest ? `${number(hours)} h ${rest} min` : `${number(hours)} h`;
}

/** Format an estimate as a range of durations: "2–4 min", "50 s – 2 min". */
export function durationRange(min_s: number, max_s: number): string {
  const [min, max] = [duration(min_s), duration(max_s)];
  if (min === max) return min;
  const [value, unit] = min.split(" ");
  return max.endsWith(` ${unit}`) && !max.includes("h ") ? `${value}–${max}` : `${min} – ${max}`;
}

/** Parse an API timestamp: UTC, with or without an offset. */
export function parseTime(time: string): Date {
  return new Date(/(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`);
}

const dateTimes = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "medium", timeStyle: "short" });
const exactTimes = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "full", timeStyle: "long" });
const cameraTimes = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
const days = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "long", timeZone: "UTC" });
const months = new Intl.DateTimeFormat(LANGUAGES, { month: "short", year: "numeric", timeZone: "UTC" });
const monthNames = new Intl.DateTimeFormat(LANGUAGES, { month: "short", timeZone: "UTC" });
const relativeTimes = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const dateTime = (time: string): string => dateTimes.format(parseTime(time));
/** With weekday, seconds and time zone. */
export const exactTime = (time: string): string => exactTimes.format(parseTime(time));
/** A camera's clock has no time zone: show the time as it was recorded. */
export const cameraTime = (time: string): string => cameraTimes.format(new Date(`${time.replace(/Z$/, "")}Z`));
export const day = (date: string): string => days.format(new Date(`${date}T00:00:00Z`));
export const month = (date: string): string => months.format(new Date(`${date}T00:00:00Z`));
export const monthName = (date: string): string => monthNames.format(new Date(`${date}T00:00:00Z`));

/** Return "5 minutes ago", "yesterday" and the like; after a week, the date and time. */
export function relativeTime(time: string, now_ms: number): string {
  const age_s = Math.round((now_ms - parseTime(time).getTime()) / 1000);
  if (age_s < MINUTE_S) return "just now";
  if (age_s < HOUR_S) return relativeTimes.format(-Math.floor(age_s / MINUTE_S), "minute");
  if (age_s < DAY_S) return relativeTimes.format(-Math.floor(age_s / HOUR_S), "hour");
  if (age_s < RELATIVE_DAYS_MAX * DAY_S) return relativeTimes.format(-Math.floor(age_s / DAY_S), "day");
  return dateTime(time);
}

/** Return "JPEG" for image/jpeg; "FILE" for a type that is not an image's. */
export function typeName(mime_type: string): string {
  if (!mime_type.startsWith("image/")) return "FILE";
  return mime_type
    .replace(/^image\/(x-)?/, "")
    .replace(/\+xml$/, "")
    .toUpperCase()
    .replace("WEBP", "WebP");
}

export const STATE_LABELS: Record<Job["state"], string> = {
  accepted: "Starting",
  running: "Importing",
  waiting: "Waiting",
  paused: "Paused",
  cancelling: "Cancelling",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Who can fix a failure; null where the API's `mend` says all there is to say. */
export const FIX_BY_LABELS: Record<ReasonCount["mender"], string | null> = {
  owner: "The folder's owner can fix this.",
  operator: "You can fix this.",
  later: "This is usually temporary.",
  nobody: null,
};

const ENDED: ReadonlySet<Job["state"]> = new Set(["completed", "failed", "cancelled"] as const);

export const isActive = (job: Pick<Job, "state">): boolean => !ENDED.has(job.state);

/** A job has no folder name until its folder has been looked up. */
export const jobName = (job: Pick<Job, "folder_name">): string => job.folder_name ?? "Google Drive folder";

/** Return how many files were found so far, and whether the listing may find more. */
export function filesFound(job: Job): string {
  if (!isActive(job) || job.listing_done) return plural(job.discovered, "file");
  const isCounting = job.state === "accepted" || job.state === "running";
  return `${number(job.discovered)}+ files${isCounting ? " (still counting)" : ""}`;
}
