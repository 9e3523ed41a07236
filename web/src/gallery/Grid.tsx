/// The pictures themselves: as many as there are, and only those on the screen in the page.
import { Button } from "@mantine/core";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useReducer, useRef } from "react";
import { type ImagePage, type ImageQuery, sentence } from "@/api/index.ts";
import { isTooFar, PER_PAGE, pageQuery } from "@/api/queries.ts";
import classes from "./Grid.module.css";
import { estimate, justify, type Layout, type Measure, ratioOf } from "./layout.ts";
import { PageRows } from "./PageRows.tsx";
import type { Selection } from "./selection.ts";
import { Ruler } from "./ruler.ts";
import { useGridKeys } from "./useGridKeys.ts";
import { useGridPointer } from "./useGridPointer.ts";
import { usePassage } from "./usePassage.ts";
import { useSize } from "./useSize.ts";

const GAP_PX = 4;
const MARGIN_PX = 4;
// Of a screen, laid out above and below what is seen.
const AHEAD = 0.75;
const USUAL_RATIO = 1.3;
const TOO_FAR =
  "Images in the midst of so many cannot be jumped to in this order. Scroll on from either end, or sort them by date.";

export interface GridHandle {
  /** Bring a picture to the top of the screen. */
  goTo: (index: number) => void;
  focus: (index: number) => void;
}

export interface GridProps {
  query: ImageQuery;
  total: number;
  selection: Selection;
  leaving: ReadonlySet<number>;
  handle: RefObject<GridHandle | null>;
  onOpen: (index: number, id: number) => void;
  /** The picture at the top of the screen, whenever that is another one. */
  onPlace: (index: number) => void;
  /** What a page told of how many there are. */
  onTotal: (total: number, exact: boolean) => void;
}

export function Grid({ query, total, selection, leaving, handle, onOpen, onPlace, onTotal }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { width, height: screen } = useSize(scroller);
  const measure = useMemo<Measure>(
    () => ({ width: Math.max(1, width - 2 * MARGIN_PX), target: rowHeight(width), gap: GAP_PX }),
    [width],
  );
  const pages = Math.ceil(total / PER_PAGE);
  const ruler = useMemo(
    () => new Ruler(pages, (page) => estimate(picturesOn(page, total), USUAL_RATIO, measure)),
    [pages, total, measure],
  );
  const passage = usePassage({
    scroller,
    ruler,
    screen,
    onPlace: (page, within) =>
      onPlace(Math.min(total - 1, Math.floor(page * PER_PAGE + within * picturesOn(page, total)))),
  });

  const from = ruler.pageAt(passage.place - AHEAD * screen);
  const to = ruler.pageAt(passage.place + (1 + AHEAD) * screen);
  const shown = pages > 0 && width > 0 ? Array.from({ length: to - from + 1 }, (_, i) => from + i) : [];
  const { loaded, errors } = useQueries({
    // While the thumb of the bar is on its way, only what is there already is shown.
    queries: shown.map((page) => ({ ...pageQuery(query, page + 1), enabled: !passage.leaping })),
    combine: (answers) => ({
      loaded: answers.map((answer) => answer.data),
      errors: answers.map((answer) => answer.error),
    }),
  });
  const queries = useQueryClient();
  const again = (indexes: number[]): void => {
    for (const i of indexes) {
      const { queryKey } = pageQuery(query, (shown[i] as number) + 1);
      void queries.refetchQueries({ queryKey, exact: true }, { cancelRefetch: false });
    }
  };
  // What cannot be found by its number is found once its neighbour is there.
  const waiting = errors.flatMap((error, i) =>
    isTooFar(error) && (loaded[i - 1]?.after || loaded[i + 1]?.before) ? [i] : [],
  );
  const found = waiting.map((i) => shown[i]).join();
  useEffect(() => {
    again(waiting);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once for each page that can be found now
  }, [found]);
  const furthest = loaded.findLast((page) => page !== undefined);
  useEffect(() => {
    if (furthest) onTotal(furthest.total, furthest.total_exact);
  }, [furthest, onTotal]);
  const layouts = loaded.map((page, i) =>
    page ? layoutOf(page, measure, (shown[i] as number) === pages - 1) : undefined,
  );

  // What is known now may differ from what was guessed: above the screen, the difference must not move what is on it.
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- what was laid out is looked at each time; what is known already changes nothing
  useLayoutEffect(() => {
    const heights = layouts.flatMap((layout, i) => (layout ? [[shown[i] as number, layout.height] as const] : []));
    if (passage.know(heights)) redraw();
  });

  const go = (index: number, { into = false } = {}): void => {
    const page = Math.floor(index / PER_PAGE);
    const layout = layouts[page - from];
    const within = layout ? rowOf(layout, index % PER_PAGE, measure) : null;
    const top =
      ruler.top(page) + (within?.top ?? (ruler.heightOf(page) * (index % PER_PAGE)) / picturesOn(page, total));
    if (!into) passage.go(top);
    else if (top < passage.place) passage.go(top - GAP_PX);
    else if (top + (within?.height ?? measure.target) > passage.place + screen)
      passage.go(top + (within?.height ?? measure.target) - screen + GAP_PX);
  };
  const keys = useGridKeys({ scroller, total, from, layouts, screen, measure, selection, go, onOpen });
  const pointer = useGridPointer({ selection, onOpen, onActive: keys.setActive });
  useImperativeHandle(handle, () => ({ goTo: (index) => go(index), focus: keys.focus }));

  const firstLoaded = layouts.findIndex((layout) => layout !== undefined);
  const inTabOrder =
    keys.active !== null && layouts[Math.floor(keys.active / PER_PAGE) - from]
      ? keys.active
      : (from + Math.max(0, firstLoaded)) * PER_PAGE;
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
          style={{ height: passage.track }}
          onKeyDown={keys.onKeyDown}
          {...pointer}
        >
          <div
            role="presentation"
            className={classes.layer}
            style={{ transform: `translateY(${ruler.top(from) - passage.shift}px)` }}
          >
            {shown.map((page, i) => (
              <PageRows
                key={page}
                first={page * PER_PAGE}
                images={loaded[i]?.items}
                layout={layouts[i]}
                height={ruler.heightOf(page)}
                measure={measure}
                selection={selection}
                leaving={leaving}
                inTabOrder={Math.floor(inTabOrder / PER_PAGE) === page ? inTabOrder : -1}
                onDrawn={keys.claim}
              />
            ))}
          </div>
        </div>
      </div>
      {error && (
        <div role="alert" className={classes.notice}>
          <p>{isTooFar(error) ? TOO_FAR : sentence(error)}</p>
          {isTooFar(error) ? (
            <Button variant="light" size="compact-md" onClick={() => go(0)}>
              To the first ones
            </Button>
          ) : (
            <Button variant="light" size="compact-md" onClick={() => again(errors.map((_, i) => i))}>
              Try again
            </Button>
          )}
        </div>
      )}
    </>
  );
}

const picturesOn = (page: number, total: number): number => Math.min(PER_PAGE, total - page * PER_PAGE);

/** Enough pictures in a row to compare them, large enough to know them again. */
function rowHeight(width: number): number {
  if (width < 480) return 112;
  if (width < 900) return 160;
  return width < 1800 ? 200 : 230;
}

const laidOut = new WeakMap<ImagePage, { measure: Measure; ends: boolean; layout: Layout }>();

function layoutOf(page: ImagePage, measure: Measure, ends: boolean): Layout {
  const known = laidOut.get(page);
  if (known && known.measure === measure && known.ends === ends) return known.layout;
  const layout = justify(page.items.map(ratioOf), measure, { ends });
  laidOut.set(page, { measure, ends, layout });
  return layout;
}

function rowOf(layout: Layout, within: number, { gap }: Measure): { top: number; height: number } | null {
  let top = 0;
  for (const row of layout.rows) {
    if (within < row.first + row.count) return { top, height: row.height };
    top += row.height + gap;
  }
  return null;
}
