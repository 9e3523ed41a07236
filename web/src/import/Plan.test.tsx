import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Preview } from "@/api/index.ts";
import { changed, flags } from "./choices.ts";
import { Plan } from "./Plan.tsx";

const plan: Preview = {
  source: "google_drive",
  folder_id: "1AbC",
  folder_name: "Holiday",
  complete: true,
  folders: 3,
  files: 120,
  to_store: 100,
  changed: 2,
  unchanged: 18,
  bytes_to_store: 250_000_000,
  types: [{ mime_type: "image/jpeg", count: 100 }],
  skipped: [{ reason: "not_an_image", title: "Not an image", mender: "nobody", mend: "", count: 2 }],
  failing: [],
  samples: [],
};

function shown(given: Partial<Preview>): string {
  render(
    <MantineProvider env="test">
      <Plan plan={{ ...plan, ...given }} stale={false} />
    </MantineProvider>,
  );
  return screen.getByRole("region").textContent ?? "";
}

test("a plan says how many, how large, how many folders, and what is there already", () => {
  const text = shown({});
  expect(text).toContain("100 images to import, 250 MB, in 3 folders");
  expect(text).toContain("JPEG 100");
  expect(text).toContain("18 imported already");
  expect(text).toContain("2 files: Not an image");
});

test("types beyond the most common ones are counted together", () => {
  const types = ["jpeg", "png", "gif", "webp", "tiff", "avif", "heic", "svg+xml"];
  const text = shown({ types: types.map((type, rank) => ({ mime_type: `image/${type}`, count: 10 - rank })) });
  expect(text).toContain("AVIF 5");
  expect(text).toContain("others 7");
});

test("a plan that was cut short says that there is more", () => {
  expect(shown({ complete: false })).toContain(
    "100+ images to import, 250 MB+, in 3+ folders (the count goes on while it imports)",
  );
});

test("choices at their defaults are not sent, the others are flags on the command line", () => {
  const chosen = changed(
    { include: ["*.jpg"], priority: 10 },
    { priority: 0, exclude: [], recursive: false, mime_types: ["image/png"] },
  );
  expect(chosen).toEqual({ include: ["*.jpg"], recursive: false, mime_types: ["image/png"] });
  expect(flags(chosen)).toEqual(["--no-recursive", "--include '*.jpg'", "--mime-type 'image/png'"]);
});
