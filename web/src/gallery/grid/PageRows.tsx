/// One page of the gallery as rows of tiles, with a placeholder until its images have loaded.
import { memo, useDeferredValue, useEffect, useMemo } from "react";
import type { Image } from "@/api/index.ts";
import type { Selection } from "../selection/selection.ts";
import { type Layout, type LayoutOptions, ratioOf } from "./layout.ts";
import classes from "./PageRows.module.css";
import { Tile } from "./Tile.tsx";

export interface PageRowsProps {
  /** Index of the page's first image in the gallery. */
  firstIndex: number;
  images: readonly Image[] | undefined;
  layout: Layout | undefined;
  height: number;
  layoutOptions: LayoutOptions;
  selection: Selection;
  deleting: ReadonlySet<number>;
  /** Index of the image in the tab order; -1 when it is on another page. */
  tabStop: number;
  /** Called when the tiles are in the document. */
  onRendered: () => void;
}

export const PageRows = memo(function PageRows({
  firstIndex,
  images,
  layout,
  height,
  layoutOptions: { targetHeight, gap },
  selection,
  deleting,
  tabStop,
  onRendered,
}: PageRowsProps) {
  // Tiles render in deferred, interruptible steps, so that scrolling never waits for them.
  const content = useMemo(() => (images && layout ? { images, layout } : undefined), [images, layout]);
  const deferred = useDeferredValue(content, undefined);
  const isReady = deferred !== undefined;
  useEffect(() => {
    if (isReady) onRendered();
  }, [isReady, onRendered]);
  if (!deferred) {
    const style = { height: height - gap, marginBottom: gap, backgroundSize: `100% ${targetHeight + gap}px` };
    return <div role="presentation" className={classes.placeholder} style={style} />;
  }
  return (
    <div role="rowgroup">
      {deferred.layout.rows.map((row) => (
        <div key={row.first} role="row" className={classes.row} style={{ height: row.height, gap, marginBottom: gap }}>
          {deferred.images.slice(row.first, row.first + row.count).map((image, i) => (
            <Tile
              key={image.id}
              image={image}
              index={firstIndex + row.first + i}
              width={ratioOf(image) * row.height}
              height={row.height}
              isSelected={selection.has(image.id)}
              isSelecting={selection.size > 0}
              isDeleting={deleting.has(image.id)}
              isTabStop={firstIndex + row.first + i === tabStop}
            />
          ))}
        </div>
      ))}
    </div>
  );
});
