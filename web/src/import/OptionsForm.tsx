/// The form for an import's options: which files, what to do with changed ones, priority and webhook.
import { MultiSelect, NativeSelect, Switch, TagsInput, TextInput } from "@mantine/core";
import { typeName } from "@/shell/format.ts";
import { FieldPair, SizeRange } from "@/shell/SizeRange.tsx";
import { type ImportOptions, withChange } from "./options.ts";
import classes from "./OptionsForm.module.css";

const TYPES = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/heic",
  "image/avif",
  "image/tiff",
  "image/svg+xml",
].map((mime_type) => ({ value: mime_type, label: typeName(mime_type) }));

export function OptionsForm({
  options,
  onChange,
}: {
  options: ImportOptions;
  onChange: (options: ImportOptions) => void;
}) {
  const set = (change: ImportOptions): void => onChange(withChange(options, change));
  return (
    <div className={classes.options}>
      <Switch
        className={classes.wide}
        label="Include subfolders"
        checked={options.recursive ?? true}
        onChange={({ currentTarget }) => set({ recursive: currentTarget.checked ? undefined : false })}
      />
      <TagsInput
        label="Include names"
        placeholder="*.jpg, Holiday/**"
        value={options.include ?? []}
        onChange={(include) => set({ include })}
      />
      <TagsInput
        label="Exclude names"
        placeholder="Raw/**"
        value={options.exclude ?? []}
        onChange={(exclude) => set({ exclude })}
      />
      <MultiSelect
        label="Types"
        placeholder={options.mime_types?.length ? undefined : "All types"}
        data={TYPES}
        value={options.mime_types ?? []}
        onChange={(mime_types) => set({ mime_types })}
        searchable
      />
      <SizeRange sizes={options} onChange={set} />
      <FieldPair>
        <TextInput
          type="date"
          label="Modified on or after"
          value={options.modified_after ?? ""}
          onChange={({ currentTarget }) => set({ modified_after: currentTarget.value })}
        />
        <TextInput
          type="date"
          label="Modified before"
          value={options.modified_before ?? ""}
          onChange={({ currentTarget }) => set({ modified_before: currentTarget.value })}
        />
      </FieldPair>
      <NativeSelect
        label="If a file changed"
        value={options.on_change ?? "replace"}
        onChange={({ currentTarget }) => set({ on_change: currentTarget.value === "keep" ? "keep" : undefined })}
        data={[
          { value: "replace", label: "Replace with the new version" },
          { value: "keep", label: "Keep the stored version" },
        ]}
      />
      <NativeSelect
        label="Priority"
        value={String(options.priority ?? 0)}
        onChange={({ currentTarget }) => set({ priority: Number(currentTarget.value) })}
        data={[
          { value: "10", label: "High" },
          { value: "0", label: "Normal" },
          { value: "-10", label: "Low" },
        ]}
      />
      <TextInput
        className={classes.wide}
        label="Notify this URL when finished (webhook)"
        placeholder="https://"
        inputMode="url"
        value={options.webhook_url ?? ""}
        onChange={({ currentTarget }) => set({ webhook_url: currentTarget.value })}
      />
    </div>
  );
}
