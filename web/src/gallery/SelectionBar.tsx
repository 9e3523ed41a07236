/// What can be done with the pictures that are chosen.
import { ActionIcon, Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload, IconLink, IconTrash, IconX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { imageArchive, type ImageQuery, sentence } from "@/api/index.ts";
import { CommandLines, curl } from "@/shell/CommandLines.tsx";
import { plural } from "@/shell/wording.ts";
import { imageFilter } from "./search.ts";
import { CHOSEN_MAX, type Selection } from "./selection.ts";
import classes from "./SelectionBar.module.css";

export interface SelectionBarProps {
  selection: Selection;
  query: ImageQuery;
  onDelete: () => void;
}

export function SelectionBar({ selection, query, onDelete }: SelectionBarProps) {
  const ids = [...selection.ids];
  const many = selection.all || ids.length > CHOSEN_MAX;
  const download = useMutation({
    mutationFn: async () => {
      const { data } = await imageArchive({ body: { ids }, parseAs: "blob" });
      save(data as unknown as Blob, "images.zip");
    },
    onError: (error) => notifications.show({ color: "red", message: sentence(error) }),
  });
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
        {plural(selection.size, "image")} <span className={classes.word}>chosen</span>
      </p>
      {!selection.all && (
        <Button variant="subtle" size="compact-sm" onClick={selection.chooseAll}>
          Choose all
        </Button>
      )}
      <div className={classes.actions}>
        <Button
          variant="default"
          leftSection={<IconLink size={16} aria-hidden />}
          disabled={many}
          onClick={() => void copy()}
          aria-label="Copy links"
        >
          <span className={classes.word}>Copy links</span>
        </Button>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          disabled={many}
          loading={download.isPending}
          onClick={() => download.mutate()}
          aria-label="Download as a zip file"
        >
          <span className={classes.word}>Download</span>
        </Button>
        <Button
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={onDelete}
          aria-label="Delete"
        >
          <span className={classes.word}>Delete</span>
        </Button>
        <CommandLines
          what="Deleting these"
          lines={{
            curl: curl(
              "POST",
              "/api/images/delete",
              selection.all ? { filter: imageFilter(query) } : { ids: ids.slice(0, CHOSEN_MAX) },
            ),
          }}
        />
      </div>
    </div>
  );
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
