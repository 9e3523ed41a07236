/// Sentences about what an import would do.
import type { Preview } from "@/api/index.ts";
import { number, size } from "@/shell/format.ts";

type Counts = Pick<Preview, "complete" | "to_store" | "bytes_to_store" | "unchanged" | "folder_name">;

/** The label of the button that starts the import. */
export function importLabel(preview: Counts): string {
  if (preview.to_store > 0) return `Import ${imageCount(preview)}`;
  return preview.complete && preview.unchanged > 0 ? "Import again" : "Import";
}

export function previewSentence(preview: Counts): string {
  const name = `"${preview.folder_name.trim()}"`;
  if (preview.to_store > 0 || !preview.complete)
    return `Ready to import: ${name} (${imageCount(preview)}${sizeOf(preview)})`;
  return preview.unchanged > 0
    ? `All images in ${name} are already imported.`
    : `There are no images to import in ${name}.`;
}

function imageCount({ to_store, complete }: Counts): string {
  return `${number(to_store)}${complete ? "" : "+"} ${to_store === 1 && complete ? "image" : "images"}`;
}

function sizeOf({ bytes_to_store, complete }: Counts): string {
  return bytes_to_store > 0 ? `, ${size(bytes_to_store)}${complete ? "" : "+"}` : "";
}
