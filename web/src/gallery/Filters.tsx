/// The gallery's filter and sort form.
import { Button, Group, MultiSelect, NativeSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { facetsQuery } from "@/api/queries.ts";
import { FieldPair, SizeRange } from "@/shell/SizeRange.tsx";
import { number, typeName } from "@/shell/format.ts";
import classes from "./Filters.module.css";
import { type GallerySearch, SORT_OPTIONS, type Sort } from "./search.ts";

export interface FiltersProps {
  search: GallerySearch;
  sort: Sort;
  onChange: (change: GallerySearch) => void;
  onClear: () => void;
}

export function Filters({ search, sort, onChange, onClear }: FiltersProps) {
  const { data: facets } = useQuery(facetsQuery);
  return (
    <form className={classes.filters} aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <MultiSelect
        label="Type"
        placeholder={search.type ? undefined : "All types"}
        data={(facets?.types ?? (search.type?.split(",") ?? []).map((mime_type) => ({ mime_type, count: 0 }))).map(
          ({ mime_type, count }) => ({
            value: mime_type,
            label: count ? `${typeName(mime_type)} (${number(count)})` : typeName(mime_type),
          }),
        )}
        value={search.type?.split(",") ?? []}
        onChange={(types) => onChange({ type: types.join(",") || undefined })}
        clearable
      />
      <Select
        label="Folder"
        placeholder="All folders"
        data={withSelected(
          facets?.folders.map(({ folder_id, name, path, count }) => ({
            value: folder_id,
            label: `${path || name || folder_id} (${number(count)})`,
          })),
          search.folder,
        )}
        value={search.folder ?? null}
        onChange={(folder) => onChange({ folder: folder ?? undefined })}
        searchable
        clearable
      />
      <Select
        label="Import"
        placeholder="All imports"
        data={withSelected(
          facets?.jobs.map(({ job_id, folder_name, count }) => ({
            value: job_id,
            label: `${folder_name ?? job_id} (${number(count)})`,
          })),
          search.job,
        )}
        value={search.job ?? null}
        onChange={(job) => onChange({ job: job ?? undefined })}
        searchable
        clearable
      />
      <Select
        label="Camera"
        placeholder="All cameras"
        data={withSelected(
          facets?.cameras.map(({ camera, count }) => ({ value: camera, label: `${camera} (${number(count)})` })),
          search.camera,
        )}
        value={search.camera ?? null}
        onChange={(camera) => onChange({ camera: camera ?? undefined })}
        searchable
        clearable
      />
      <SizeRange sizes={search} onChange={onChange} />
      <FieldPair>
        <TextInput
          type="date"
          label="Taken from"
          value={search.from ?? ""}
          onChange={({ currentTarget }) => onChange({ from: currentTarget.value || undefined })}
        />
        <TextInput
          type="date"
          label="Taken to"
          value={search.to ?? ""}
          onChange={({ currentTarget }) => onChange({ to: currentTarget.value || undefined })}
        />
      </FieldPair>
      <Select
        label="Location"
        placeholder="Any"
        data={[
          { value: "true", label: "Has location" },
          { value: "false", label: "No location" },
        ]}
        value={search.has_location === undefined ? null : String(search.has_location)}
        onChange={(value) => onChange({ has_location: value === null ? undefined : value === "true" })}
        clearable
      />
      <NativeSelect
        label="Sort by"
        value={sort}
        onChange={({ currentTarget }) => onChange({ sort: currentTarget.value as Sort })}
        data={SORT_OPTIONS}
      />
      <Group justify="flex-end">
        <Button variant="subtle" onClick={onClear}>
          Clear filters
        </Button>
      </Group>
    </form>
  );
}

interface Option {
  value: string;
  label: string;
}

/** Facets hold the most frequent values only. Add the value from the URL when it is not among them. */
function withSelected(options: Option[] = [], selected?: string): Option[] {
  const isListed = options.some(({ value }) => value === selected);
  return selected && !isListed ? [{ value: selected, label: selected }, ...options] : options;
}
