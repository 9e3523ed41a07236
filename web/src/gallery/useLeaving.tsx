/// Deleting, with time to think again: nothing is asked of the gateway until the time is over.
import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { deleteImages, type Deletion, type ImageQuery, sentence } from "@/api/index.ts";
import { plural } from "@/shell/wording.ts";
import { imageFilter } from "./search.ts";
import { CHOSEN_MAX, type Selection } from "./selection.ts";

const UNDO_MS = 7000;
// Until a notification has left the page.
const GONE_MS = 400;

export interface Leaving {
  /** Pictures that will be deleted. */
  ids: ReadonlySet<number>;
  remove: (selection: Selection) => void;
  /** Everything that the filters let through: asked about first, for nobody looked at all of it. */
  asked: Selection | null;
  confirm: () => void;
  keep: () => void;
}

const EVERYTHING = "All images there are cannot be deleted at once: set a filter first, such as an import or a type.";

/** Whose button has gone goes on with the pictures, and not at the page's beginning. */
function backToGrid(): void {
  setTimeout(() => {
    if (document.activeElement === document.body)
      document.querySelector<HTMLElement>("[role=gridcell][tabindex='0']")?.focus({ preventScroll: true });
  }, GONE_MS);
}

export function useLeaving(query: ImageQuery): Leaving {
  const queries = useQueryClient();
  const [ids, setIds] = useState<ReadonlySet<number>>(new Set());
  const [asked, setAsked] = useState<Selection | null>(null);
  const due = useRef(new Map<string, () => void>());

  const commit = useCallback(
    async (...steps: Deletion[]): Promise<number> => {
      let deleted = 0;
      try {
        for (const what of steps) {
          // oxlint-disable-next-line no-await-in-loop -- one after another: the gateway has others to serve
          const { data } = await deleteImages({ body: what, keepalive: true });
          deleted += data.deleted;
          const [first] = data.failed;
          if (first)
            notifications.show({
              color: "red",
              message: `${plural(data.failed.length, "image")} could not be deleted: ${first.detail}`,
            });
        }
      } catch (error) {
        notifications.show({ color: "red", message: sentence(error) });
      }
      await queries.invalidateQueries({ queryKey: ["images"] });
      return deleted;
    },
    [queries],
  );

  // Whoever leaves has thought.
  useEffect(() => {
    const waiting = due.current;
    const flush = (): void => waiting.forEach((now) => now());
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, []);

  const confirm = (): void => {
    if (!asked) return;
    const id = crypto.randomUUID();
    notifications.show({ id, loading: true, autoClose: false, message: `Deleting ${asked.words} …` });
    asked.clear();
    setAsked(null);
    void commit({ filter: imageFilter(query) }).then((deleted) => {
      notifications.update({
        id,
        loading: false,
        autoClose: UNDO_MS,
        message: `${plural(deleted, "image is", "images are")} deleted.`,
      });
    });
  };

  const remove = (selection: Selection): void => {
    if (selection.all) {
      if (Object.keys(imageFilter(query)).length > 0) setAsked(selection);
      else notifications.show({ message: EVERYTHING });
      return;
    }
    const chosen = [...selection.ids];
    const steps: Deletion[] = [];
    for (let i = 0; i < chosen.length; i += CHOSEN_MAX) steps.push({ ids: chosen.slice(i, i + CHOSEN_MAX) });
    const { words } = selection;
    setIds((before) => new Set([...before, ...chosen]));
    selection.clear();
    backToGrid();

    const id = crypto.randomUUID();
    const back = (): void => setIds((before) => new Set([...before].filter((each) => !chosen.includes(each))));
    const go = (): void => {
      clearTimeout(timer);
      due.current.delete(id);
      notifications.hide(id);
      void commit(...steps).finally(back);
    };
    const undo = (): void => {
      clearTimeout(timer);
      due.current.delete(id);
      notifications.hide(id);
      back();
      backToGrid();
    };
    const timer = setTimeout(go, UNDO_MS);
    due.current.set(id, go);
    notifications.show({
      id,
      autoClose: false,
      withCloseButton: false,
      message: (
        <Group justify="space-between" wrap="nowrap">
          {words} will be deleted.
          <Button variant="light" size="compact-sm" onClick={undo}>
            Undo
          </Button>
        </Group>
      ),
    });
  };

  return { ids, remove, asked, confirm, keep: () => setAsked(null) };
}
