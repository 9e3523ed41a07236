/// Which pictures are chosen.
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { type ImageQuery, sentence } from "@/api/index.ts";
import { PER_PAGE, pageQuery } from "@/api/queries.ts";
import { number, plural } from "@/shell/wording.ts";

// Of the gateway's calls that take ids.
export const CHOSEN_MAX = 1000;

export interface Selection {
  size: number;
  /** How many, as words. */
  words: string;
  /** Everything that the filters let through, however many. */
  all: boolean;
  ids: ReadonlySet<number>;
  has: (id: number) => boolean;
  toggle: (index: number, id: number) => void;
  /** From the picture chosen last to this one. */
  extend: (index: number) => void;
  chooseAll: () => void;
  clear: () => void;
}

export function useSelection(query: ImageQuery, total: number, exact: boolean): Selection {
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<{ ids: ReadonlySet<number>; all: boolean }>({ ids: new Set(), all: false });
  const anchor = useRef(0);

  return useMemo(() => {
    async function idsBetween(from: number, to: number): Promise<number[]> {
      const pages = Array.from(
        { length: Math.floor(to / PER_PAGE) - Math.floor(from / PER_PAGE) + 1 },
        (_, i) => Math.floor(from / PER_PAGE) + i,
      );
      const loaded = await Promise.all(pages.map((page) => queries.ensureQueryData(pageQuery(query, page + 1))));
      const first = (pages[0] ?? 0) * PER_PAGE;
      return loaded.flatMap(({ items }) => items.map(({ id }) => id)).slice(from - first, to - first + 1);
    }
    const choose = (from: number, to: number): void =>
      void idsBetween(from, to).then(
        (between) => setChosen(({ ids }) => ({ ids: new Set([...ids, ...between]), all: false })),
        (error: unknown) => notifications.show({ color: "red", message: sentence(error) }),
      );
    return {
      size: chosen.all ? total : chosen.ids.size,
      words: chosen.all ? `all ${number(total)}${exact ? "" : "+"} images` : plural(chosen.ids.size, "image"),
      all: chosen.all,
      ids: chosen.ids,
      has: (id) => chosen.all || chosen.ids.has(id),
      toggle: (index, id) => {
        anchor.current = index;
        setChosen(({ ids: before, all }) => {
          if (all) return { ids: new Set([id]), all: false };
          const ids = new Set(before);
          if (!ids.delete(id)) ids.add(id);
          return { ids, all: false };
        });
      },
      extend: (index) => {
        const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
        if (to - from >= CHOSEN_MAX) {
          notifications.show({
            message: `At most ${number(CHOSEN_MAX)} at once; or filter, and choose everything with Ctrl A.`,
          });
          return;
        }
        choose(from, to);
      },
      // One by one where they are few enough: then all can be done with them that can be done with some.
      chooseAll: () =>
        exact && total <= CHOSEN_MAX ? choose(0, total - 1) : setChosen({ ids: new Set(), all: total > 0 }),
      clear: () => setChosen({ ids: new Set(), all: false }),
    };
  }, [chosen, query, queries, total, exact]);
}
