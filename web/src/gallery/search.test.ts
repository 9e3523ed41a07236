import { expect, test } from "vitest";
import { filterCount, gallerySearch, imageFlags, imageQuery, lightboxSearch } from "./search.ts";

test("what a URL says that means nothing is dropped", () => {
  expect(
    gallerySearch({
      q: "",
      sort: "sideways",
      from: "yesterday",
      size_min: -1,
      size_max: 1.5,
      located: "yes",
      other: 1,
    }),
  ).toEqual({});
});

test("a search for a number is a search", () => {
  expect(gallerySearch({ q: 2024 })).toEqual({ q: "2024" });
});

test("the gateway is asked in its own words", () => {
  expect(imageQuery({ type: "image/png,image/webp", from: "2025-01-01", located: false, folder: "f" })).toEqual({
    mime_type: ["image/png", "image/webp"],
    taken_from: "2025-01-01",
    located: false,
    folder_id: "f",
    sort: "-shown",
  });
});

test("and on the command line in the command line's", () => {
  const search = { q: "sea side", type: "image/png", from: "2025-01-01", located: false, sort: "name" } as const;
  expect(imageFlags(search)).toEqual([
    "'sea side'",
    "--type 'image/png'",
    "--taken-from '2025-01-01'",
    "--sort 'name'",
    "--not-located",
  ]);
});

test("search and sort are no filters", () => {
  expect(filterCount({ q: "sea", sort: "name", camera: "Z 6", located: false })).toBe(2);
});

test("an image's place in the gallery is part of its URL", () => {
  expect(lightboxSearch({ at: 999_999, q: "x" })).toEqual({ at: 999_999, q: "x" });
});
