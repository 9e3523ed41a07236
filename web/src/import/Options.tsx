/// How an import selects files, and what it does with changed ones.
import { MultiSelect, NativeSelect, NumberInput, Switch, TagsInput, TextInput } from "@mantine/core";
import { type Choices, changed } from "./choices.ts";
import classes from "./Options.module.css";

const MB = 1_000_000;
const TYPES = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/heic",
  "image/avif",
  "image/tiff",
  "image/svg+xml",
];

export function Options({ choices, onChange }: { choices: Choices; onChange: (choices: Choices) => void }) {
  const set = (change: Choices): void => onChange(changed(choices, change));
  const megabytes = (value: number | string): number | undefined =>
    typeof value === "number" ? Math.round(value * MB) : undefined;
  return (
    <div className={classes.options}>
      <Switch
        className={classes.whole}
        label="Sub-folders too"
        checked={choices.recursive ?? true}
        onChange={({ currentTarget }) => set({ recursive: currentTarget.checked ? undefined : false })}
      />
      <TagsInput
        label="Only names like"
        placeholder="*.jpg, Holiday/**"
        value={choices.include ?? []}
        onChange={(include) => set({ include })}
      />
      <TagsInput
        label="But not"
        placeholder="Raw/**"
        value={choices.exclude ?? []}
        onChange={(exclude) => set({ exclude })}
      />
      <MultiSelect
        label="Types"
        placeholder={choices.mime_types?.length ? undefined : "All images"}
        data={TYPES}
        value={choices.mime_types ?? []}
        onChange={(mime_types) => set({ mime_types })}
        searchable
      />
      <div className={classes.pair}>
        <NumberInput
          label="From, MB"
          min={0}
          value={choices.size_min ? choices.size_min / MB : ""}
          onChange={(value) => set({ size_min: megabytes(value) })}
        />
        <NumberInput
          label="To, MB"
          min={0}
          value={choices.size_max ? choices.size_max / MB : ""}
          onChange={(value) => set({ size_max: megabytes(value) })}
        />
      </div>
      <div className={classes.pair}>
        <TextInput
          type="date"
          label="Changed after"
          value={choices.modified_after ?? ""}
          onChange={({ currentTarget }) => set({ modified_after: currentTarget.value })}
        />
        <TextInput
          type="date"
          label="Changed before"
          value={choices.modified_before ?? ""}
          onChange={({ currentTarget }) => set({ modified_before: currentTarget.value })}
        />
      </div>
      <NativeSelect
        label="Files that changed since an import"
        value={choices.on_change ?? "replace"}
        onChange={({ currentTarget }) => set({ on_change: currentTarget.value === "keep" ? "keep" : undefined })}
        data={[
          { value: "replace", label: "Replace it" },
          { value: "keep", label: "Keep what is stored" },
        ]}
      />
      <NativeSelect
        label="Priority"
        value={String(choices.priority ?? 0)}
        onChange={({ currentTarget }) => set({ priority: Number(currentTarget.value) })}
        data={[
          { value: "10", label: "Before others" },
          { value: "0", label: "As others" },
          { value: "-10", label: "After others" },
        ]}
      />
      <TextInput
        className={classes.whole}
        label="Tell this address when it is done (webhook)"
        placeholder="https://"
        inputMode="url"
        value={choices.webhook_url ?? ""}
        onChange={({ currentTarget }) => set({ webhook_url: currentTarget.value })}
      />
    </div>
  );
}
