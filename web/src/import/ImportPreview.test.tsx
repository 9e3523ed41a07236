import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Preview } from "@/api/index.ts";
import { flags, withChange } from "./options.ts";
import { ImportPreview } from "./ImportPreview.tsx";
import { importLabel, previewSentence } from "./summary.ts";

const preview: Preview = {
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
  skips: [{ reason: "not_an_image", title: "Not an image", mender: "nobody", mend: "", count: 2 }],
  failures: [],
  samples: [],
};

function renderedText(overrides: Partial<Preview>): string {
  render(
    <MantineProvider env="test">
      <ImportPreview preview={{ ...preview, ...overrides }} isStale={false} />
    </MantineProvider>,
  );
  return screen.getByRole("region").textContent ?? "";
}

test("a preview shows count, size, folders and what is already imported", () => {
  const text = renderedText({});
  expect(text).toContain("100 images to import, 250 MB, in 3 folders");
  expect(text).toContain("JPEG 100");
  expect(text).toContain("18 already imported");
  expect(text).toContain("2 files: Not an image");
});

test("rare types are counted together", () => {
  const types = ["jpeg", "png", "gif", "webp", "tiff", "avif", "heic", "svg+xml"];
  const text = renderedText({ types: types.map((type, rank) => ({ mime_type: `image/${type}`, count: 10 - rank })) });
  expect(text).toContain("AVIF 5");
  expect(text).toContain("Other types 7");
});

test("an incomplete preview says that there are more images", () => {
  expect(renderedText({ complete: false })).toContain(
    "100+ images to import, 250 MB+, in 3+ folders (still counting; the import will find the rest)",
  );
});

test("the button and the status say what will be imported", () => {
  expect(importLabel(preview)).toBe("Import 100 images");
  expect(previewSentence(preview)).toBe('Ready to import: "Holiday" (100 images, 250 MB)');
  expect(importLabel({ ...preview, complete: false })).toBe("Import 100+ images");
  expect(importLabel({ ...preview, to_store: 1 })).toBe("Import 1 image");
  const nothingNew = { ...preview, to_store: 0, bytes_to_store: 0 };
  expect(importLabel(nothingNew)).toBe("Import again");
  expect(previewSentence(nothingNew)).toBe('All images in "Holiday" are already imported.');
  expect(previewSentence({ ...nothingNew, unchanged: 0 })).toBe('There are no images to import in "Holiday".');
});

test("options at their defaults are not sent, the others become flags of the command", () => {
  const options = withChange(
    { include: ["*.jpg"], priority: 10 },
    { priority: 0, exclude: [], recursive: false, mime_types: ["image/png"] },
  );
  expect(options).toEqual({ include: ["*.jpg"], recursive: false, mime_types: ["image/png"] });
  expect(flags(options)).toEqual(["--no-recursive", "--include '*.jpg'", "--mime-type 'image/png'"]);
});
