/// Deletes images with a delay in which the user can undo. The API is called only after the delay.
import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { deleteImages, type DeletionRequest, errorMessage, type ImageQuery } from "@/api/index.ts";
import { plural } from "@/shell/format.ts";
import { imageFilter } from "../search.ts";
import { IDS_MAX, type Selection } from "./selection.ts";

const UNDO_MS = 7000;
// How long a notification takes to leave the document.
const NOTIFICATION_EXIT_MS = 400;
const FILTER_FIRST = "You can't delete the whole library at once. Filter first, for example by import.";

export interface UndoableDelete {
  /** Ids of images that will be deleted when the delay is over. */
  pendingIds: ReadonlySet<number>;
  remove: (selection: Selection) => void;
  /** The selection of everything that matches the filters, while it waits for a confirmation. */
  unconfirmed: Selection | null;
  confirm: () => void;
  dismiss: () => void;
}

/** Move the focus to the grid when the focused button has left the document. */
function restoreFocus(): void {
  setTimeout(() => {
    if (document.activeElement === document.body)
      document.querySelector<HTMLElement>("[role=gridcell][tabindex='0']")?.focus({ preventScroll: true });
  }, NOTIFICATION_EXIT_MS);
}

export function useUndoableDelete(query: ImageQuery): UndoableDelete {
  const queryClient = useQueryClient();
  const [pendingIds, setPendingIds] = useState<ReadonlySet<number>>(new Set());
  const [unconfirmed, setUnconfirmed] = useState<Selection | null>(null);
  const pendingDeletes = useRef(new Map<string, () => void>());

  /** Return how many images were deleted. Errors are shown as notifications. */
  const deleteNow = useCallback(
    async (...requests: DeletionRequest[]): Promise<number> => {
      let deleted = 0;
      try {
        for (const body of requests) {
          // oxlint-disable-next-line no-await-in-loop -- one after another, to leave the server time for other requests
          const { data } = await deleteImages({ body, keepalive: true });
          deleted += data.deleted;
          const [first] = data.failed;
          if (first)
            notifications.show({
              color: "red",
              message: `${plural(data.failed.length, "image")} couldn't be deleted: ${first.detail}`,
            });
        }
      } catch (error) {
        notifications.show({ color: "red", message: errorMessage(error) });
      }
      await queryClient.invalidateQueries({ queryKey: ["images"] });
      return deleted;
    },
    [queryClient],
  );

  // Leaving the gallery or the page ends the delay.
  useEffect(() => {
    const pending = pendingDeletes.current;
    const flush = (): void => pending.forEach((commit) => commit());
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, []);

  const confirm = (): void => {
    if (!unconfirmed) return;
    const id = crypto.randomUUID();
    notifications.show({ id, loading: true, autoClose: false, message: `Deleting ${unconfirmed.description}…` });
    unconfirmed.clear();
    setUnconfirmed(null);
    void deleteNow({ filter: imageFilter(query) }).then((deleted) => {
      notifications.update({
        id,
        loading: false,
        autoClose: UNDO_MS,
        message: `${plural(deleted, "image")} deleted`,
      });
    });
  };

  const remove = (selection: Selection): void => {
    if (selection.isAll) {
      if (Object.keys(imageFilter(query)).length > 0) setUnconfirmed(selection);
      else notifications.show({ message: FILTER_FIRST });
      return;
    }
    const ids = [...selection.ids];
    const requests: DeletionRequest[] = [];
    for (let i = 0; i < ids.length; i += IDS_MAX) requests.push({ ids: ids.slice(i, i + IDS_MAX) });
    const { description } = selection;
    setPendingIds((before) => new Set([...before, ...ids]));
    selection.clear();
    restoreFocus();

    const id = crypto.randomUUID();
    const unmark = (): void => setPendingIds((before) => new Set([...before].filter((each) => !ids.includes(each))));
    const commit = (): void => {
      clearTimeout(timer);
      pendingDeletes.current.delete(id);
      notifications.hide(id);
      void deleteNow(...requests).finally(unmark);
    };
    const undo = (): void => {
      clearTimeout(timer);
      pendingDeletes.current.delete(id);
      notifications.hide(id);
      unmark();
      restoreFocus();
    };
    const timer = setTimeout(commit, UNDO_MS);
    pendingDeletes.current.set(id, commit);
    notifications.show({
      id,
      autoClose: false,
      withCloseButton: false,
      message: (
        <Group justify="space-between" wrap="nowrap">
          {description} will be deleted.
          <Button variant="light" size="compact-sm" onClick={undo}>
            Undo
          </Button>
        </Group>
      ),
    });
  };

  return { pendingIds, remove, unconfirmed, confirm, dismiss: () => setUnconfirmed(null) };
}
