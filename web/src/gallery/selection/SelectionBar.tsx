/// The toolbar for the selected images.
import { ActionIcon, Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconChecks, IconDownload, IconLink, IconTrash, IconX } from "@tabler/icons-react";
import { type Commands, CommandLines, cli, curl, quoted } from "@/shell/CommandLines.tsx";
import { number, plural } from "@/shell/format.ts";
import { type GallerySearch, imageFilter, imageFlags, imageQuery } from "../search.ts";
import { IDS_MAX, type Selection } from "./selection.ts";
import classes from "./SelectionBar.module.css";

export interface SelectionBarProps {
  selection: Selection;
  search: GallerySearch;
  onDelete: () => void;
}

export function SelectionBar({ selection, search, onDelete }: SelectionBarProps) {
  const ids = [...selection.ids];
  const isOverLimit = selection.isAll || ids.length > IDS_MAX;
  const archiveUrl = `/api/images/archive?${ids.map((id) => `id=${id}`).join("&")}`;
  const copyLinks = async (): Promise<void> => {
    await navigator.clipboard.writeText(ids.map((id) => `${location.origin}/gallery/${id}`).join("\n"));
    notifications.show({ message: `${plural(ids.length, "link")} copied` });
  };
  return (
    <div className={classes.bar} role="toolbar" aria-label="Selection">
      <ActionIcon variant="subtle" size="lg" color="gray" onClick={selection.clear} aria-label="Clear selection">
        <IconX size={18} />
      </ActionIcon>
      <p role="status" className={classes.count}>
        {selection.isAll ? `All ${selection.count}` : selection.count} <span className={classes.word}>selected</span>
      </p>
      {!selection.isAll && (
        <Button
          variant="subtle"
          size="compact-md"
          leftSection={<IconChecks size={16} aria-hidden />}
          onClick={selection.selectAll}
          aria-label="Select all"
        >
          <span className={classes.word}>Select all</span>
        </Button>
      )}
      <div className={classes.actions}>
        {isOverLimit ? (
          <p className={classes.limit}>Links and downloads: up to {number(IDS_MAX)} images</p>
        ) : (
          <>
            <Button
              variant="default"
              leftSection={<IconLink size={16} aria-hidden />}
              onClick={() => void copyLinks()}
              aria-label="Copy links"
            >
              <span className={classes.word}>Copy links</span>
            </Button>
            {/* A link instead of fetch, so that the browser writes the download to disk as it arrives. */}
            <Button
              component="a"
              href={archiveUrl}
              download="images.zip"
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              aria-label="Download as a ZIP file"
            >
              <span className={classes.word}>Download</span>
            </Button>
          </>
        )}
        <Button
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={onDelete}
          aria-label={`Delete ${selection.description}`}
        >
          <span className={classes.word}>Delete {selection.description}</span>
        </Button>
        <CommandLines
          what="the selected images"
          commands={isOverLimit ? commandsForFilter(search) : commandsForIds(ids, archiveUrl)}
        />
      </div>
    </div>
  );
}

function commandsForIds(ids: number[], archiveUrl: string): Commands {
  const flags = ids.map((id) => `--id ${id}`);
  const download = `curl -o images.zip ${quoted(location.origin + archiveUrl)}`;
  return {
    curl: [download, curl("POST", "/api/images/delete", { ids })].join("\n"),
    cli: [cli("images", ...flags, "--download images.zip"), cli("images", ...flags, "--delete")].join("\n"),
  };
}

function commandsForFilter({ sort: _sort, ...search }: GallerySearch): Commands {
  return {
    curl: curl("POST", "/api/images/delete", { filter: imageFilter(imageQuery(search)) }),
    cli: cli("images", ...imageFlags(search), "--delete"),
  };
}
