/// What can be done with the pictures that are chosen.
import { ActionIcon, Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconChecks, IconDownload, IconLink, IconTrash, IconX } from "@tabler/icons-react";
import { CommandLines, cli, curl, quoted } from "@/shell/CommandLines.tsx";
import { number, plural } from "@/shell/wording.ts";
import { type GallerySearch, imageFilter, imageFlags, imageQuery } from "./search.ts";
import { CHOSEN_MAX, type Selection } from "./selection.ts";
import classes from "./SelectionBar.module.css";

export interface SelectionBarProps {
  selection: Selection;
  search: GallerySearch;
  onDelete: () => void;
}

export function SelectionBar({ selection, search, onDelete }: SelectionBarProps) {
  const ids = [...selection.ids];
  const many = selection.all || ids.length > CHOSEN_MAX;
  const archive = `/api/images/archive?${ids.map((id) => `id=${id}`).join("&")}`;
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(ids.map((id) => `${location.origin}/gallery/${id}`).join("\n"));
    notifications.show({ message: `${plural(ids.length, "link")} copied.` });
  };
  return (
    <div className={classes.bar} role="toolbar" aria-label="What is chosen">
      <ActionIcon variant="subtle" size="lg" color="gray" onClick={selection.clear} aria-label="Choose nothing">
        <IconX size={18} />
      </ActionIcon>
      <p role="status" className={classes.count}>
        {selection.words} <span className={classes.word}>chosen</span>
      </p>
      {!selection.all && (
        <Button
          variant="subtle"
          size="compact-md"
          leftSection={<IconChecks size={16} aria-hidden />}
          onClick={selection.chooseAll}
          aria-label="Choose all"
        >
          <span className={classes.word}>Choose all</span>
        </Button>
      )}
      <div className={classes.actions}>
        {many ? (
          <p className={classes.bound}>Links and downloads: at most {number(CHOSEN_MAX)} at once</p>
        ) : (
          <>
            <Button
              variant="default"
              leftSection={<IconLink size={16} aria-hidden />}
              onClick={() => void copy()}
              aria-label="Copy links"
            >
              <span className={classes.word}>Copy links</span>
            </Button>
            {/* A link, so that the browser saves what comes, and holds none of it. */}
            <Button
              component="a"
              href={archive}
              download="images.zip"
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              aria-label="Download as a zip file"
            >
              <span className={classes.word}>Download</span>
            </Button>
          </>
        )}
        <Button
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={onDelete}
          aria-label="Delete"
        >
          <span className={classes.word}>Delete</span>
        </Button>
        <CommandLines what="These" lines={many ? ofAll(search) : ofThese(ids, archive)} />
      </div>
    </div>
  );
}

function ofThese(ids: number[], archive: string) {
  const named = ids.map((id) => `--id ${id}`);
  return {
    curl: [`curl -o images.zip ${quoted(location.origin + archive)}`, curl("POST", "/api/images/delete", { ids })].join(
      "\n",
    ),
    cli: [cli("images", ...named, "--download images.zip"), cli("images", ...named, "--delete")].join("\n"),
  };
}

function ofAll({ sort: _sort, ...search }: GallerySearch) {
  return {
    curl: curl("POST", "/api/images/delete", { filter: imageFilter(imageQuery(search)) }),
    cli: cli("images", ...imageFlags(search), "--delete"),
  };
}
