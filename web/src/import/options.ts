/// The options of an import, beside the folder's link.
import type { ImportRequest } from "@/api/index.ts";
import { quoted } from "@/shell/CommandLines.tsx";

export type ImportOptions = Omit<ImportRequest, "folder_url" | "folderUrl">;

/** Merge `change` into `options`, without values that equal the default: request and command line stay short. */
export function withChange(options: ImportOptions, change: ImportOptions): ImportOptions {
  const merged = Object.entries({ ...options, ...change });
  return Object.fromEntries(merged.filter(([, value]) => !isDefault(value))) as ImportOptions;
}

function isDefault(value: unknown): boolean {
  return value === undefined || value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
}

/** Return the options as flags of `imageferry import`. */
export function flags({ recursive, ...options }: ImportOptions): string[] {
  const named = Object.entries(options).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (each) => `--${name.replace("mime_types", "mime_type").replaceAll("_", "-")} ${quoted(String(each))}`,
    ),
  );
  return recursive === false ? ["--no-recursive", ...named] : named;
}
