/// Deleting, with time to think again: nothing is asked of the gateway until the time is over.
import { Button, Group } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { deleteImages, type Deletion, type ImageQuery, sentence } from "@/api/index.ts";
import { plural } from "@/shell/wording.ts";
import { imageFilter } from "./search.ts";
import type { Selection } from "./selection.ts";

const UNDO_MS = 7000;
const AT_ONCE_MAX = 1000;

export interface Leaving {
  /** Pictures that will be deleted. */
  ids: ReadonlySet<number>;
  remove: (selection: Selection) => void;
}

export function useLeaving(query: ImageQuery): Leaving {
  const queries = useQueryClient();
  const [ids, setIds] = useState<ReadonlySet<number>>(new Set());
  const due = useRef(new Map<string, () => void>());

  const commit = useCallback(
    async (what: Deletion) => {
      try {
        const { data } = await deleteImages({ body: what, keepalive: true });
        const [first] = data.failed;
        if (first)
          notifications.show({
            color: "red",
            message: `${plural(data.failed.length, "image")} could not be deleted: ${first.detail}`,
          });
      } catch (error) {
        notifications.show({ color: "red", message: sentence(error) });
      }
      await queries.invalidateQueries({ queryKey: ["images"] });
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

  const remove = (selection: Selection): void => {
    const filter = imageFilter(query);
    const chosen = [...selection.ids];
    const what: Deletion = selection.all ? { filter } : { ids: chosen.slice(0, AT_ONCE_MAX) };
    const count = selection.size;
    if (!selection.all) setIds((before) => new Set([...before, ...chosen]));
    selection.clear();

    const id = crypto.randomUUID();
    const back = (): void => setIds((before) => new Set([...before].filter((each) => !chosen.includes(each))));
    const go = (): void => {
      clearTimeout(timer);
      due.current.delete(id);
      notifications.hide(id);
      void commit(what).finally(back);
    };
    const undo = (): void => {
      clearTimeout(timer);
      due.current.delete(id);
      notifications.hide(id);
      back();
    };
    const timer = setTimeout(go, UNDO_MS);
    due.current.set(id, go);
    notifications.show({
      id,
      autoClose: false,
      withCloseButton: false,
      message: (
        <Group justify="space-between" wrap="nowrap">
          {plural(count, "image")} will be deleted.
          <Button variant="light" size="compact-sm" onClick={undo}>
            Undo
          </Button>
        </Group>
      ),
    });
  };

  return { ids, remove };
}
