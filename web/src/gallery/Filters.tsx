/// What the gallery shows of all there is: types, folders, jobs, cameras, sizes, dates, places.
import { Button, Group, MultiSelect, NativeSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { facetsQuery } from "@/api/queries.ts";
import { Pair, SizeRange } from "@/shell/SizeRange.tsx";
import { number, typeName } from "@/shell/wording.ts";
import classes from "./Filters.module.css";
import { type GallerySearch, ORDERS, type Sort } from "./search.ts";

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
        data={choices(
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
        data={choices(
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
        data={choices(
          facets?.cameras.map(({ camera, count }) => ({ value: camera, label: `${camera} (${number(count)})` })),
          search.camera,
        )}
        value={search.camera ?? null}
        onChange={(camera) => onChange({ camera: camera ?? undefined })}
        searchable
        clearable
      />
      <SizeRange sizes={search} onChange={onChange} />
      <Pair>
        <TextInput
          type="date"
          label="Taken from"
          value={search.from ?? ""}
          onChange={({ currentTarget }) => onChange({ from: currentTarget.value || undefined })}
        />
        <TextInput
          type="date"
          label="Taken until"
          value={search.to ?? ""}
          onChange={({ currentTarget }) => onChange({ to: currentTarget.value || undefined })}
        />
      </Pair>
      <Select
        label="Place"
        placeholder="Known or not"
        data={[
          { value: "true", label: "Known" },
          { value: "false", label: "Not known" },
        ]}
        value={search.located === undefined ? null : String(search.located)}
        onChange={(located) => onChange({ located: located === null ? undefined : located === "true" })}
        clearable
      />
      <NativeSelect
        label="Order"
        value={sort}
        onChange={({ currentTarget }) => onChange({ sort: currentTarget.value as Sort })}
        data={ORDERS}
      />
      <Group justify="flex-end">
        <Button variant="subtle" onClick={onClear}>
          Clear all
        </Button>
      </Group>
    </form>
  );
}

interface Choice {
  value: string;
  label: string;
}

/** What the URL asks for may not be among the most frequent. */
function choices(known: Choice[] = [], chosen?: string): Choice[] {
  return chosen && !known.some(({ value }) => value === chosen) ? [{ value: chosen, label: chosen }, ...known] : known;
}
