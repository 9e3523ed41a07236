import { expect, test } from "vitest";
import { filterCount, gallerySearch, imageFlags, imageQuery, lightboxSearch } from "./search.ts";

test("invalid URL parameters are dropped", () => {
  expect(
    gallerySearch({
      q: "",
      sort: "sideways",
      from: "yesterday",
      size_min: -1,
      size_max: 1.5,
      has_location: "yes",
      other: 1,
    }),
  ).toEqual({});
});

test("a numeric search stays a string", () => {
  expect(gallerySearch({ q: 2024 })).toEqual({ q: "2024" });
});

test("a search is converted to API parameters", () => {
  expect(imageQuery({ type: "image/png,image/webp", from: "2025-01-01", has_location: false, folder: "f" })).toEqual({
    mime_type: ["image/png", "image/webp"],
    taken_from: "2025-01-01",
    has_location: false,
    folder_id: "f",
    sort: "-date",
  });
});

test("a search is converted to command-line arguments", () => {
  const search = { q: "sea side", type: "image/png", from: "2025-01-01", has_location: false, sort: "name" } as const;
  expect(imageFlags(search)).toEqual([
    "'sea side'",
    "--type 'image/png'",
    "--taken-from '2025-01-01'",
    "--sort 'name'",
    "--no-location",
  ]);
});

test("search and sort order do not count as filters", () => {
  expect(filterCount({ q: "sea", sort: "name", camera: "Z 6", has_location: false })).toBe(2);
});

test("an image's index in the gallery is part of its URL", () => {
  expect(lightboxSearch({ at: 999_999, q: "x" })).toEqual({ at: 999_999, q: "x" });
});
