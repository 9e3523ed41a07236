/// The selected images: single ones by id, or all that match the filters.
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { errorMessage, type ImageQuery } from "@/api/index.ts";
import { PER_PAGE, pageQuery } from "@/api/queries.ts";
import { number, plural } from "@/shell/format.ts";

// The API's limit of ids in one request.
export const IDS_MAX = 1000;

export interface Selection {
  size: number;
  /** The size as text: "3", or "5,000+" when the total is a lower bound. */
  count: string;
  /** "3 images" or "all 5,000 images". */
  description: string;
  /** Whether everything that matches the filters is selected. Then `ids` is empty. */
  isAll: boolean;
  ids: ReadonlySet<number>;
  has: (id: number) => boolean;
  toggle: (index: number, id: number) => void;
  /** Select the range from the image that was toggled last to this one. */
  extendTo: (index: number) => void;
  selectAll: () => void;
  clear: () => void;
}

export function useSelection(query: ImageQuery, total: number, isTotalExact: boolean): Selection {
  const queryClient = useQueryClient();
  const [selected, setSelected] = useState<{ ids: ReadonlySet<number>; isAll: boolean }>({
    ids: new Set(),
    isAll: false,
  });
  const anchor = useRef(0);

  return useMemo(() => {
    async function idsBetween(from: number, to: number): Promise<number[]> {
      const pages = Array.from(
        { length: Math.floor(to / PER_PAGE) - Math.floor(from / PER_PAGE) + 1 },
        (_, i) => Math.floor(from / PER_PAGE) + i,
      );
      const loaded = await Promise.all(pages.map((page) => queryClient.ensureQueryData(pageQuery(query, page + 1))));
      const first = (pages[0] ?? 0) * PER_PAGE;
      return loaded.flatMap(({ items }) => items.map(({ id }) => id)).slice(from - first, to - first + 1);
    }
    const selectRange = (from: number, to: number): void =>
      void idsBetween(from, to).then(
        (range) => setSelected(({ ids }) => ({ ids: new Set([...ids, ...range]), isAll: false })),
        (error: unknown) => notifications.show({ color: "red", message: errorMessage(error) }),
      );
    const count = selected.isAll ? `${number(total)}${isTotalExact ? "" : "+"}` : number(selected.ids.size);
    return {
      size: selected.isAll ? total : selected.ids.size,
      count,
      description: selected.isAll ? `all ${count} images` : plural(selected.ids.size, "image"),
      isAll: selected.isAll,
      ids: selected.ids,
      has: (id) => selected.isAll || selected.ids.has(id),
      toggle: (index, id) => {
        anchor.current = index;
        setSelected(({ ids: before, isAll }) => {
          if (isAll) return { ids: new Set([id]), isAll: false };
          const ids = new Set(before);
          if (!ids.delete(id)) ids.add(id);
          return { ids, isAll: false };
        });
      },
      extendTo: (index) => {
        const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
        if (to - from >= IDS_MAX) {
          notifications.show({
            message: `You can select a range of up to ${number(IDS_MAX)} images. To select more, filter and press Ctrl A.`,
          });
          return;
        }
        selectRange(from, to);
      },
      // Select by id where the API's limit allows: links and downloads need ids.
      selectAll: () =>
        isTotalExact && total <= IDS_MAX
          ? selectRange(0, total - 1)
          : setSelected({ ids: new Set(), isAll: total > 0 }),
      clear: () => setSelected({ ids: new Set(), isAll: false }),
    };
  }, [selected, query, queryClient, total, isTotalExact]);
}
