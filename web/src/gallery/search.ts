/// The gallery's view as a URL: what is searched, filtered and sorted.
import { quoted } from "@/shell/CommandLines.tsx";
import type { ImageFilter, ImageQuery } from "@/api/index.ts";

const SORTS = {
  "-shown": "Newest first",
  shown: "Oldest first",
  "-created": "Imported last first",
  created: "Imported first first",
  name: "Name, A to Z",
  "-name": "Name, Z to A",
  "-size": "Largest first",
  size: "Smallest first",
} as const;

export type Sort = keyof typeof SORTS;

export const ORDERS = Object.entries(SORTS).map(([value, label]) => ({ value, label }));

export const DEFAULT_SORT: Sort = "-shown";

export interface GallerySearch {
  q?: string;
  /** Media types, with commas. */
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
  located?: boolean;
  sort?: Sort;
}

export interface LightboxSearch extends GallerySearch {
  /** The image's place in the gallery as it is filtered and sorted, from 0. */
  at?: number;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** What of a URL's parameters means something here; the rest is dropped. */
export function gallerySearch(given: Record<string, unknown>): GallerySearch {
  return present({
    q: text(given.q),
    type: text(given.type),
    folder: text(given.folder),
    job: text(given.job),
    camera: text(given.camera),
    size_min: count(given.size_min),
    size_max: count(given.size_max),
    from: date(given.from),
    to: date(given.to),
    located: typeof given.located === "boolean" ? given.located : undefined,
    sort: sort(given.sort),
  });
}

export function lightboxSearch(given: Record<string, unknown>): LightboxSearch {
  return present({ ...gallerySearch(given), at: count(given.at) });
}

/** The same as the gateway wants it. */
export function imageQuery(search: GallerySearch): ImageQuery {
  return present({
    q: search.q,
    mime_type: search.type?.split(","),
    folder_id: search.folder,
    job_id: search.job,
    camera: search.camera,
    size_min: search.size_min,
    size_max: search.size_max,
    taken_from: search.from,
    taken_to: search.to,
    located: search.located,
    sort: search.sort ?? DEFAULT_SORT,
  });
}

/** The same without an order, as calls that take everything that the filters let through want it. */
export function imageFilter({ sort: _sort, ...filter }: ImageQuery): ImageFilter {
  return present(Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null)));
}

/** The same on the command line. */
export function imageFlags({ q, type, located, sort, ...rest }: GallerySearch): string[] {
  const named = { ...rest, taken_from: rest.from, taken_to: rest.to, sort, from: undefined, to: undefined };
  return [
    ...(q ? [quoted(q)] : []),
    ...(type?.split(",").map((each) => `--type ${quoted(each)}`) ?? []),
    ...Object.entries(present(named)).map(([name, value]) => `--${name.replaceAll("_", "-")} ${quoted(String(value))}`),
    ...(located === undefined ? [] : [located ? "--located" : "--not-located"]),
  ];
}

/** How many filters are set, the search and the sort not among them. */
export function filterCount({ q: _q, sort: _sort, ...filters }: GallerySearch): number {
  return Object.values(filters).filter((value) => value !== undefined).length;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) || undefined : undefined;

const count = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;

/** The usual one is not named. */
const sort = (value: unknown): Sort | undefined =>
  typeof value === "string" && value in SORTS && value !== DEFAULT_SORT ? (value as Sort) : undefined;

const date = (value: unknown): string | undefined =>
  typeof value === "string" && DATE.test(value) ? value : undefined;

function present<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
