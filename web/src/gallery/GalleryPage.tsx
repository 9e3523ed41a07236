/// The gallery: search, filters, the grid of images and the toolbar for the selection.
import { Button, Drawer, Indicator, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowUp, IconFilter, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { errorMessage } from "@/api/index.ts";
import { pageQuery, timelineQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { isTyping, singleKeys } from "@/shell/shortcuts.ts";
import { day, number, plural } from "@/shell/format.ts";
import classes from "./GalleryPage.module.css";
import { Grid, type GridHandle } from "./grid/Grid.tsx";
import { type DateIndex, indexDates } from "./scroll/dates.ts";
import { Scrubber } from "./scroll/Scrubber.tsx";
import { type TopIndex, useIsAtTop, useTopIndex, useTopIndexStore } from "./scroll/topIndex.ts";
import {
  DEFAULT_SORT,
  filterCount,
  type GallerySearch,
  imageFlags,
  imageQuery,
  type Sort,
  SORT_OPTIONS,
} from "./search.ts";
import { DeleteAllDialog } from "./selection/DeleteAllDialog.tsx";
import { SelectionBar } from "./selection/SelectionBar.tsx";
import { useSelection } from "./selection/selection.ts";
import { useUndoableDelete } from "./selection/useUndoableDelete.tsx";
import { useNewImages } from "./useNewImages.ts";

const Filters = lazy(() => import("./Filters.tsx").then((module) => ({ default: module.Filters })));
// A gallery of about one screen needs no timeline.
const TIMELINE_IMAGES_MIN = 31;
const DEBOUNCE_MS = 200;

export function GalleryPage() {
  const search = useSearch({ from: "/gallery" });
  const navigate = useNavigate();
  const query = useMemo(() => imageQuery(search), [search]);
  const firstPage = useQuery({ ...pageQuery(query, 1), placeholderData: (before) => before });
  const timeline = useQuery(timelineQuery(query));
  // The first page's total may be a lower bound. Later pages report better ones.
  const [reported, setReported] = useState({ query, total: 0, isExact: false });
  const isReportedBetter =
    firstPage.data?.total_exact === false && reported.query === query && reported.total >= firstPage.data.total;
  const total = (isReportedBetter ? reported.total : firstPage.data?.total) ?? 0;
  const isExact = isReportedBetter ? reported.isExact : firstPage.data?.total_exact !== false;
  const reportTotal = useCallback(
    (newTotal: number, isNewExact: boolean) =>
      setReported((before) =>
        before.query === query && before.total >= newTotal && !(isNewExact && !before.isExact)
          ? before
          : { query, total: newTotal, isExact: isNewExact },
      ),
    [query],
  );
  const sort = search.sort ?? DEFAULT_SORT;

  const handle = useRef<GridHandle>(null);
  const selection = useSelection(query, total, isExact);
  const deletion = useUndoableDelete(query);
  const topIndex = useTopIndexStore();
  const isAtTop = useIsAtTop(topIndex);
  const [showsFilters, setShowsFilters] = useState(false);
  const newImages = useNewImages({ isAtTop: isAtTop && selection.size === 0 });

  const dates = useMemo(
    () => indexDates(timeline.data?.buckets ?? [], { reversed: sort === "date" }),
    [timeline.data, sort],
  );
  const hasTimeline = (sort === "date" || sort === "-date") && dates.total > 0 && total >= TIMELINE_IMAGES_MIN;

  const change = useCallback(
    (next: GallerySearch) =>
      void navigate({ to: "/gallery", search: (before: GallerySearch) => ({ ...before, ...next }), replace: true }),
    [navigate],
  );
  const open = useCallback(
    (index: number, id: number) =>
      void navigate({ to: "/gallery/$imageId", params: { imageId: String(id) }, search: { ...search, at: index } }),
    [navigate, search],
  );
  useGalleryKeys({ selection, onDelete: () => deletion.remove(selection) });

  const filters = filterCount(search);
  return (
    <div className={classes.gallery}>
      <title>Gallery · imageferry</title>
      <h1 className="sr-only">Gallery</h1>
      {selection.size > 0 ? (
        <SelectionBar selection={selection} onDelete={() => deletion.remove(selection)} search={search} />
      ) : (
        <div className={classes.bar}>
          <SearchField q={search.q ?? ""} onChange={(q) => change({ q })} />
          <Indicator disabled={filters === 0} label={filters} size={18} offset={4}>
            <Button
              variant="default"
              leftSection={<IconFilter size={16} aria-hidden />}
              onClick={() => setShowsFilters(true)}
              aria-label={filters ? `Filters (${filters} set)` : "Filters"}
              className={classes.filter}
            >
              <span className={classes.word}>Filters</span>
            </Button>
          </Indicator>
          <NativeSelect
            aria-label="Sort by"
            value={sort}
            onChange={({ currentTarget }) => change({ sort: currentTarget.value as Sort })}
            data={SORT_OPTIONS}
            className={classes.sort}
          />
          <p role="status" className={classes.total}>
            {firstPage.data && `${number(total)}${isExact ? "" : "+"} ${total === 1 && isExact ? "image" : "images"}`}
          </p>
          {hasTimeline && <CurrentDate dates={dates} topIndex={topIndex} />}
          <CommandLines
            what="this view"
            commands={{
              curl: curl("GET", `/api/images?${queryString(query)}`),
              cli: cli("images", ...imageFlags({ ...search, sort })),
            }}
          />
        </div>
      )}
      {firstPage.error && (
        <p role="alert" className={classes.error}>
          {errorMessage(firstPage.error)}
          <Button
            variant="light"
            size="compact-sm"
            onClick={() => void firstPage.refetch()}
            loading={firstPage.isFetching}
          >
            Try again
          </Button>
        </p>
      )}
      {firstPage.data && total === 0 && (
        <EmptyState
          isFiltered={filters > 0 || search.q !== undefined}
          onClear={() => void navigate({ to: "/gallery" })}
        />
      )}
      <div className={classes.content} data-timeline={hasTimeline || undefined}>
        {newImages.count > 0 && (
          <Button
            className={classes.newImages}
            radius="xl"
            size="compact-md"
            leftSection={<IconArrowUp size={15} aria-hidden />}
            onClick={() => {
              newImages.show();
              handle.current?.goTo(0);
            }}
          >
            Show {plural(newImages.count, "new image")}
          </Button>
        )}
        {total > 0 && (
          <Grid
            query={query}
            total={total}
            selection={selection}
            deleting={deletion.pendingIds}
            handle={handle}
            onOpen={open}
            onTopIndexChange={topIndex.set}
            onTotalChange={reportTotal}
          />
        )}
        {hasTimeline && (
          <Scrubber dates={dates} total={total} topIndex={topIndex} onGoTo={(index) => handle.current?.goTo(index)} />
        )}
      </div>
      <Drawer
        opened={showsFilters}
        onClose={() => setShowsFilters(false)}
        title="Filters"
        position="right"
        size="22rem"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <Suspense>
          <Filters
            search={search}
            sort={sort}
            onChange={change}
            onClear={() => void navigate({ to: "/gallery", search: { q: search.q, sort: search.sort }, replace: true })}
          />
        </Suspense>
      </Drawer>
      {deletion.unconfirmed && (
        <DeleteAllDialog selection={deletion.unconfirmed} onConfirm={deletion.confirm} onCancel={deletion.dismiss} />
      )}
      <Outlet />
    </div>
  );
}

function SearchField({ q, onChange }: { q: string; onChange: (q: string | undefined) => void }) {
  const [text, setText] = useState(q);
  const [debounced] = useDebouncedValue(text.trim(), DEBOUNCE_MS);
  useEffect(() => {
    if (debounced !== q) onChange(debounced || undefined);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [debounced]);
  // Empty the field when the search is cleared elsewhere.
  useEffect(() => {
    if (q === "") setText("");
  }, [q]);
  return (
    <TextInput
      id="search"
      type="search"
      className={classes.search}
      aria-label="Search by name"
      placeholder="Search by name"
      leftSection={<IconSearch size={16} aria-hidden />}
      value={text}
      onChange={({ currentTarget }) => setText(currentTarget.value)}
      maxLength={200}
    />
  );
}

/** The date of the image at the top of the screen. Hidden from screen readers, which get it from the scrubber. */
function CurrentDate({ dates, topIndex }: { dates: DateIndex; topIndex: TopIndex }) {
  const date = dates.dayAt(useTopIndex(topIndex));
  return (
    <span className={classes.date} aria-hidden>
      {date && day(date)}
    </span>
  );
}

function EmptyState({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  return (
    <div className={classes.empty}>
      <h2>{isFiltered ? "No images match" : "No images yet"}</h2>
      {isFiltered ? (
        <Button variant="light" onClick={onClear}>
          Show all images
        </Button>
      ) : (
        <p>
          <Link to="/import">Import a folder</Link>. Its images appear here as they arrive.
        </p>
      )}
    </div>
  );
}

function useGalleryKeys({
  selection,
  onDelete,
}: {
  selection: { size: number; clear: () => void };
  onDelete: () => void;
}): void {
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      if (isTyping(event) || document.querySelector("[role=dialog]") || event.defaultPrevented) return;
      if (event.key === "Escape" && selection.size > 0) selection.clear();
      else if (event.key === "Delete" && selection.size > 0) onDelete();
      else if (event.key === "/" && singleKeys.isOn() && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        document.getElementById("search")?.focus();
      }
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
}

function queryString(query: object): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]),
  );
  return new URLSearchParams(pairs).toString();
}
