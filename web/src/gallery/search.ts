/// The gallery's URL parameters: search, filters and sort order, and their form in API and command line.
import { quoted } from "@/shell/CommandLines.tsx";
import type { ImageFilter, ImageQuery } from "@/api/index.ts";

const SORT_LABELS = {
  "-date": "Newest first",
  date: "Oldest first",
  "-created": "Recently imported",
  created: "Oldest import first",
  name: "Name, A to Z",
  "-name": "Name, Z to A",
  "-size": "Largest first",
  size: "Smallest first",
} as const;

export type Sort = keyof typeof SORT_LABELS;

export const SORT_OPTIONS = Object.entries(SORT_LABELS).map(([value, label]) => ({ value, label }));

export const DEFAULT_SORT: Sort = "-date";

export interface GallerySearch {
  q?: string;
  /** MIME types, separated by commas. */
  type?: string;
  folder?: string;
  job?: string;
  camera?: string;
  /** Bytes. */
  size_min?: number;
  size_max?: number;
  /** Dates, as 2025-07-14. */
  from?: string;
  to?: string;
  has_location?: boolean;
  sort?: Sort;
}

export interface LightboxSearch extends GallerySearch {
  /** The image's index in the filtered and sorted gallery, from 0. */
  at?: number;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Validate URL parameters. Unknown and invalid ones are dropped. */
export function gallerySearch(params: Record<string, unknown>): GallerySearch {
  return withoutUndefined({
    q: text(params.q),
    type: text(params.type),
    folder: text(params.folder),
    job: text(params.job),
    camera: text(params.camera),
    size_min: count(params.size_min),
    size_max: count(params.size_max),
    from: date(params.from),
    to: date(params.to),
    has_location: typeof params.has_location === "boolean" ? params.has_location : undefined,
    sort: sort(params.sort),
  });
}

export function lightboxSearch(params: Record<string, unknown>): LightboxSearch {
  return withoutUndefined({ ...gallerySearch(params), at: count(params.at) });
}

/** Convert to the query parameters of GET /api/images. */
export function imageQuery(search: GallerySearch): ImageQuery {
  return withoutUndefined({
    q: search.q,
    mime_type: search.type?.split(","),
    folder_id: search.folder,
    job_id: search.job,
    camera: search.camera,
    size_min: search.size_min,
    size_max: search.size_max,
    taken_from: search.from,
    taken_to: search.to,
    has_location: search.has_location,
    sort: search.sort ?? DEFAULT_SORT,
  });
}

/** Convert to the filter of API calls that act on all matching images. */
export function imageFilter({ sort: _sort, ...filter }: ImageQuery): ImageFilter {
  return withoutUndefined(Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null)));
}

/** Convert to arguments of `imageferry images`. */
export function imageFlags({ q, type, has_location, sort, ...rest }: GallerySearch): string[] {
  const flags = { ...rest, taken_from: rest.from, taken_to: rest.to, sort, from: undefined, to: undefined };
  return [
    ...(q ? [quoted(q)] : []),
    ...(type?.split(",").map((each) => `--type ${quoted(each)}`) ?? []),
    ...Object.entries(withoutUndefined(flags)).map(
      ([name, value]) => `--${name.replaceAll("_", "-")} ${quoted(String(value))}`,
    ),
    ...(has_location === undefined ? [] : [has_location ? "--has-location" : "--no-location"]),
  ];
}

/** Count the filters that are set. Search and sort order are not filters. */
export function filterCount({ q: _q, sort: _sort, ...filters }: GallerySearch): number {
  return Object.values(filters).filter((value) => value !== undefined).length;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) || undefined : undefined;

const count = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;

/** The default sort order is left out of the URL. */
const sort = (value: unknown): Sort | undefined =>
  typeof value === "string" && value in SORT_LABELS && value !== DEFAULT_SORT ? (value as Sort) : undefined;

const date = (value: unknown): string | undefined =>
  typeof value === "string" && DATE.test(value) ? value : undefined;

function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
