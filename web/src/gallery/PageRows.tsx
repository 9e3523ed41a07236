/// One page of the gallery, as rows; a pattern of rows until its pictures are known.
import { memo, useDeferredValue, useEffect, useMemo } from "react";
import type { Image } from "@/api/index.ts";
import { type Layout, type Measure, ratioOf } from "./layout.ts";
import classes from "./PageRows.module.css";
import type { Selection } from "./selection.ts";
import { Tile } from "./Tile.tsx";

export interface PageRowsProps {
  /** Index of its first picture in the whole gallery. */
  first: number;
  images: readonly Image[] | undefined;
  layout: Layout | undefined;
  height: number;
  measure: Measure;
  selection: Selection;
  leaving: ReadonlySet<number>;
  inTabOrder: number;
  /** Its tiles are in the page now. */
  onDrawn: () => void;
}

export const PageRows = memo(function PageRows({
  first,
  images,
  layout,
  height,
  measure,
  selection,
  leaving,
  inTabOrder,
  onDrawn,
}: PageRowsProps) {
  // Tiles are drawn when there is time, a few at once: a scroll never waits for them.
  const arrived = useMemo(() => (images && layout ? { images, layout } : undefined), [images, layout]);
  const drawn = useDeferredValue(arrived, undefined);
  const ready = drawn !== undefined;
  useEffect(() => {
    if (ready) onDrawn();
  }, [ready, onDrawn]);
  if (!drawn) {
    const pattern = { height: height - measure.gap, backgroundSize: `100% ${measure.target + measure.gap}px` };
    return <div role="presentation" className={classes.coming} style={{ ...pattern, marginBottom: measure.gap }} />;
  }
  return (
    <div role="rowgroup">
      {drawn.layout.rows.map((row) => (
        <div
          key={row.first}
          role="row"
          className={classes.row}
          style={{ height: row.height, gap: measure.gap, marginBottom: measure.gap }}
        >
          {drawn.images.slice(row.first, row.first + row.count).map((image, i) => (
            <Tile
              key={image.id}
              image={image}
              index={first + row.first + i}
              width={ratioOf(image) * row.height}
              height={row.height}
              selected={selection.has(image.id)}
              choosing={selection.size > 0}
              leaving={leaving.has(image.id)}
              focusable={first + row.first + i === inTabOrder}
            />
          ))}
        </div>
      ))}
    </div>
  );
});
