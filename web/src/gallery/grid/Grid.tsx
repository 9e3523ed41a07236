/// The grid of images. Only the rows near the screen are in the document.
import { Button } from "@mantine/core";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useReducer, useRef } from "react";
import { errorMessage, type ImagePage, type ImageQuery } from "@/api/index.ts";
import { isTooFar, PER_PAGE, pageQuery } from "@/api/queries.ts";
import { PageOffsets } from "../scroll/pageOffsets.ts";
import { useSize } from "../scroll/useSize.ts";
import { useVirtualScroll } from "../scroll/useVirtualScroll.ts";
import type { Selection } from "../selection/selection.ts";
import classes from "./Grid.module.css";
import { estimateHeight, justify, type Layout, type LayoutOptions, ratioOf } from "./layout.ts";
import { PageRows } from "./PageRows.tsx";
import { useGridKeys } from "./useGridKeys.ts";
import { useGridPointer } from "./useGridPointer.ts";

const GAP_PX = 4;
const MARGIN_PX = 4;
// How far to lay out above and below the screen, in screen heights.
const OVERSCAN = 0.75;
const TYPICAL_RATIO = 1.3;
const TOO_FAR =
  "This sort order can't jump to the middle of so many images. Scroll on from either end, or sort by date.";

export interface GridHandle {
  /** Scroll an image to the top of the screen. */
  goTo: (index: number) => void;
  focus: (index: number) => void;
}

export interface GridProps {
  query: ImageQuery;
  total: number;
  selection: Selection;
  /** Ids of images that are about to be deleted. */
  deleting: ReadonlySet<number>;
  handle: RefObject<GridHandle | null>;
  onOpen: (index: number, id: number) => void;
  /** Called with the index of the image at the top of the screen. */
  onTopIndexChange: (index: number) => void;
  /** Called with the total that the latest page reports. */
  onTotalChange: (total: number, isExact: boolean) => void;
}

export function Grid({
  query,
  total,
  selection,
  deleting,
  handle,
  onOpen,
  onTopIndexChange,
  onTotalChange,
}: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { width, height: screen } = useSize(scroller);
  const layoutOptions = useMemo<LayoutOptions>(
    () => ({ width: Math.max(1, width - 2 * MARGIN_PX), targetHeight: rowHeight(width), gap: GAP_PX }),
    [width],
  );
  const pages = Math.ceil(total / PER_PAGE);
  const offsets = useMemo(
    () => new PageOffsets(pages, (page) => estimateHeight(imagesOn(page, total), TYPICAL_RATIO, layoutOptions)),
    [pages, total, layoutOptions],
  );
  const scroll = useVirtualScroll({
    scroller,
    offsets,
    screen,
    onTopChange: (page, fraction) =>
      onTopIndexChange(Math.min(total - 1, Math.floor(page * PER_PAGE + fraction * imagesOn(page, total)))),
  });

  const firstPage = offsets.pageAt(scroll.offset - OVERSCAN * screen);
  const lastPage = offsets.pageAt(scroll.offset + (1 + OVERSCAN) * screen);
  const visiblePages =
    pages > 0 && width > 0 ? Array.from({ length: lastPage - firstPage + 1 }, (_, i) => firstPage + i) : [];
  const { loaded, errors } = useQueries({
    // While the scroll bar is dragged, show only what is in the cache.
    queries: visiblePages.map((page) => ({ ...pageQuery(query, page + 1), enabled: !scroll.isJumping })),
    combine: (results) => ({
      loaded: results.map((result) => result.data),
      errors: results.map((result) => result.error),
    }),
  });
  const queryClient = useQueryClient();
  const refetch = (indexes: number[]): void => {
    for (const i of indexes) {
      const { queryKey } = pageQuery(query, (visiblePages[i] as number) + 1);
      void queryClient.refetchQueries({ queryKey, exact: true }, { cancelRefetch: false });
    }
  };
  // A page whose number is too high can be fetched once a neighbour has loaded.
  const retryable = errors.flatMap((error, i) =>
    isTooFar(error) && (loaded[i - 1]?.after || loaded[i + 1]?.before) ? [i] : [],
  );
  const retryablePages = retryable.map((i) => visiblePages[i]).join();
  useEffect(() => {
    refetch(retryable);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once for each page that becomes retryable
  }, [retryablePages]);
  const lastLoaded = loaded.findLast((page) => page !== undefined);
  useEffect(() => {
    if (lastLoaded) onTotalChange(lastLoaded.total, lastLoaded.total_exact);
  }, [lastLoaded, onTotalChange]);
  const layouts = loaded.map((page, i) =>
    page ? layoutOf(page, layoutOptions, (visiblePages[i] as number) === pages - 1) : undefined,
  );

  // Replace estimated heights. A difference above the screen must not move what is on it.
  const [, rerender] = useReducer((count: number) => count + 1, 0);
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- runs after every render; known heights change nothing
  useLayoutEffect(() => {
    const heights = layouts.flatMap((layout, i) =>
      layout ? [[visiblePages[i] as number, layout.height] as const] : [],
    );
    if (scroll.setHeights(heights)) rerender();
  });

  /** Scroll an image to the top of the screen; with `nearest`, only as far as needed to see it. */
  const goTo = (index: number, { nearest = false } = {}): void => {
    const page = Math.floor(index / PER_PAGE);
    const layout = layouts[page - firstPage];
    const row = layout ? rowOf(layout, index % PER_PAGE, layoutOptions) : null;
    const top = offsets.top(page) + (row?.top ?? (offsets.heightOf(page) * (index % PER_PAGE)) / imagesOn(page, total));
    const bottom = top + (row?.height ?? layoutOptions.targetHeight);
    if (!nearest) scroll.scrollTo(top);
    else if (top < scroll.offset) scroll.scrollTo(top - GAP_PX);
    else if (bottom > scroll.offset + screen) scroll.scrollTo(bottom - screen + GAP_PX);
  };
  const keys = useGridKeys({
    scroller,
    total,
    firstPage,
    layouts,
    screen,
    targetHeight: layoutOptions.targetHeight,
    selection,
    goTo,
    onOpen,
  });
  const pointerHandlers = useGridPointer({ selection, onOpen, onActivate: keys.setActive });
  useImperativeHandle(handle, () => ({ goTo: (index) => goTo(index), focus: keys.focus }));

  const firstLoaded = layouts.findIndex((layout) => layout !== undefined);
  const tabStop =
    keys.active !== null && layouts[Math.floor(keys.active / PER_PAGE) - firstPage]
      ? keys.active
      : (firstPage + Math.max(0, firstLoaded)) * PER_PAGE;
  const error = loaded.some((page) => page !== undefined) ? null : errors.find((each) => each !== null);
  return (
    <>
      <div ref={scroller} className={classes.scroller} data-testid="gallery">
        {/* oxlint-disable-next-line jsx-a11y/interactive-supports-focus -- one of its cells is in the tab order */}
        <div
          role="grid"
          aria-label="Images"
          aria-multiselectable
          aria-rowcount={-1}
          aria-busy={firstLoaded === -1}
          className={classes.track}
          style={{ height: scroll.trackHeight }}
          onKeyDown={keys.onKeyDown}
          {...pointerHandlers}
        >
          <div
            role="presentation"
            className={classes.layer}
            style={{ transform: `translateY(${offsets.top(firstPage) - scroll.shift}px)` }}
          >
            {visiblePages.map((page, i) => (
              <PageRows
                key={page}
                firstIndex={page * PER_PAGE}
                images={loaded[i]?.items}
                layout={layouts[i]}
                height={offsets.heightOf(page)}
                layoutOptions={layoutOptions}
                selection={selection}
                deleting={deleting}
                tabStop={Math.floor(tabStop / PER_PAGE) === page ? tabStop : -1}
                onRendered={keys.applyFocus}
              />
            ))}
          </div>
        </div>
      </div>
      {error && (
        <div role="alert" className={classes.notice}>
          <p>{isTooFar(error) ? TOO_FAR : errorMessage(error)}</p>
          {isTooFar(error) ? (
            <Button variant="light" size="compact-md" onClick={() => goTo(0)}>
              Back to the top
            </Button>
          ) : (
            <Button variant="light" size="compact-md" onClick={() => refetch(errors.map((_, i) => i))}>
              Try again
            </Button>
          )}
        </div>
      )}
    </>
  );
}

const imagesOn = (page: number, total: number): number => Math.min(PER_PAGE, total - page * PER_PAGE);

function rowHeight(width: number): number {
  if (width < 480) return 112;
  if (width < 900) return 160;
  return width < 1800 ? 200 : 230;
}

const layoutCache = new WeakMap<ImagePage, { options: LayoutOptions; isLastPage: boolean; layout: Layout }>();

function layoutOf(page: ImagePage, options: LayoutOptions, isLastPage: boolean): Layout {
  const cached = layoutCache.get(page);
  if (cached && cached.options === options && cached.isLastPage === isLastPage) return cached.layout;
  const layout = justify(page.items.map(ratioOf), options, { isLastPage });
  layoutCache.set(page, { options, isLastPage, layout });
  return layout;
}

function rowOf(layout: Layout, indexOnPage: number, { gap }: LayoutOptions): { top: number; height: number } | null {
  let top = 0;
  for (const row of layout.rows) {
    if (indexOnPage < row.first + row.count) return { top, height: row.height };
    top += row.height + gap;
  }
  return null;
}
