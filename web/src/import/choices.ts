/// What somebody chose for an import, beside its link.
import type { ImportRequest } from "@/api/index.ts";
import { quoted } from "@/shell/CommandLines.tsx";

export type Choices = Omit<ImportRequest, "folder_url" | "folderUrl">;

/** What stands at its default is left out: the request and its command line stay short. */
export function changed(choices: Choices, change: Choices): Choices {
  const all = Object.entries({ ...choices, ...change });
  return Object.fromEntries(all.filter(([, value]) => !isDefault(value))) as Choices;
}

function isDefault(value: unknown): boolean {
  return value === undefined || value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
}

/** The same choices on the command line. */
export function flags({ recursive, ...choices }: Choices): string[] {
  const given = Object.entries(choices).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (each) => `--${name.replace("mime_types", "mime_type").replaceAll("_", "-")} ${quoted(String(each))}`,
    ),
  );
  return recursive === false ? ["--no-recursive", ...given] : given;
}
