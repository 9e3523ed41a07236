/// How an import selects files, and what it does with changed ones.
import { MultiSelect, NativeSelect, Switch, TagsInput, TextInput } from "@mantine/core";
import { Pair, SizeRange } from "@/shell/SizeRange.tsx";
import { type Choices, changed } from "./choices.ts";
import classes from "./Options.module.css";

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
      <SizeRange sizes={choices} onChange={set} />
      <Pair>
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
      </Pair>
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
