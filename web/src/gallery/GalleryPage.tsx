/// The gallery: search, filters, the pictures, and what can be done with those that are chosen.
import { Button, Drawer, Indicator, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowUp, IconFilter, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { sentence } from "@/api/index.ts";
import { pageQuery, timelineQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { isTyping, singleKeys } from "@/shell/shortcuts.ts";
import { day, number, plural } from "@/shell/wording.ts";
import { type Dates, datesOf } from "./dates.ts";
import { DeleteAll } from "./DeleteAll.tsx";
import { Grid, type GridHandle } from "./Grid.tsx";
import classes from "./GalleryPage.module.css";
import { type Place, useAtTop, useIndex, useNewPlace } from "./place.ts";
import { Scrubber } from "./Scrubber.tsx";
import { DEFAULT_SORT, filterCount, type GallerySearch, imageFlags, imageQuery, ORDERS, type Sort } from "./search.ts";
import { SelectionBar } from "./SelectionBar.tsx";
import { useSelection } from "./selection.ts";
import { useArrivals } from "./useArrivals.ts";
import { useLeaving } from "./useLeaving.tsx";

const Filters = lazy(() => import("./Filters.tsx").then((room) => ({ default: room.Filters })));
// Of fewer pictures, no line of dates is needed to find one.
const SCREENFUL = 30;
const TYPING_MS = 200;

export function GalleryPage() {
  const search = useSearch({ from: "/gallery" });
  const navigate = useNavigate();
  const query = useMemo(() => imageQuery(search), [search]);
  const head = useQuery({ ...pageQuery(query, 1), placeholderData: (before) => before });
  const timeline = useQuery(timelineQuery(query));
  // Of what is not counted to its end, more becomes known on the way.
  const [told, setTold] = useState({ query, total: 0, exact: false });
  const counted = head.data?.total_exact === false && told.query === query && told.total >= head.data.total;
  const total = (counted ? told.total : head.data?.total) ?? 0;
  const exact = counted ? told.exact : head.data?.total_exact !== false;
  const setTotal = useCallback(
    (more: number, end: boolean) =>
      setTold((before) =>
        before.query === query && before.total >= more && !(end && !before.exact)
          ? before
          : { query, total: more, exact: end },
      ),
    [query],
  );
  const sort = search.sort ?? DEFAULT_SORT;

  const handle = useRef<GridHandle>(null);
  const selection = useSelection(query, total, exact);
  const leaving = useLeaving(query);
  const place = useNewPlace();
  const atTop = useAtTop(place);
  const [filtering, setFiltering] = useState(false);
  const arrivals = useArrivals({ atTop: atTop && selection.size === 0 });

  const dates = useMemo(
    () => datesOf(timeline.data?.buckets ?? [], { reversed: sort === "shown" }),
    [timeline.data, sort],
  );
  const dated = (sort === "shown" || sort === "-shown") && dates.total > 0 && total > SCREENFUL;

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
  useGalleryKeys({ selection, onDelete: () => leaving.remove(selection) });

  const filters = filterCount(search);
  return (
    <div className={classes.gallery}>
      <title>Gallery · imageferry</title>
      <h1 className="sr-only">Gallery</h1>
      {selection.size > 0 ? (
        <SelectionBar selection={selection} onDelete={() => leaving.remove(selection)} search={search} />
      ) : (
        <div className={classes.bar}>
          <Search key={search.q === undefined ? "none" : "some"} q={search.q ?? ""} onChange={(q) => change({ q })} />
          <Indicator disabled={filters === 0} label={filters} size={18} offset={4}>
            <Button
              variant="default"
              leftSection={<IconFilter size={16} aria-hidden />}
              onClick={() => setFiltering(true)}
              aria-label={filters ? `Filters, ${filters} set` : "Filters"}
              className={classes.filter}
            >
              <span className={classes.word}>Filters</span>
            </Button>
          </Indicator>
          <NativeSelect
            aria-label="Sort"
            value={sort}
            onChange={({ currentTarget }) => change({ sort: currentTarget.value as Sort })}
            data={ORDERS}
            className={classes.sort}
          />
          <p role="status" className={classes.total}>
            {head.data && `${number(total)}${exact ? "" : "+"} ${total === 1 ? "image" : "images"}`}
          </p>
          {dated && <Here dates={dates} place={place} />}
          <CommandLines
            what="This view"
            lines={{
              curl: curl("GET", `/api/images?${parameters(query)}`),
              cli: cli("images", ...imageFlags({ ...search, sort })),
            }}
          />
        </div>
      )}
      {head.error && (
        <p role="alert" className={classes.note}>
          {sentence(head.error)}
          <Button variant="light" size="compact-sm" onClick={() => void head.refetch()} loading={head.isFetching}>
            Try again
          </Button>
        </p>
      )}
      {head.data && total === 0 && (
        <Nothing narrowed={filters > 0 || search.q !== undefined} onClear={() => void navigate({ to: "/gallery" })} />
      )}
      <div className={classes.room} data-dated={dated || undefined}>
        {arrivals.waiting > 0 && (
          <Button
            className={classes.arrived}
            radius="xl"
            size="compact-md"
            leftSection={<IconArrowUp size={15} aria-hidden />}
            onClick={() => {
              arrivals.show();
              handle.current?.goTo(0);
            }}
          >
            {plural(arrivals.waiting, "picture")} arrived
          </Button>
        )}
        {total > 0 && (
          <Grid
            query={query}
            total={total}
            selection={selection}
            leaving={leaving.ids}
            handle={handle}
            onOpen={open}
            onPlace={place.set}
            onTotal={setTotal}
          />
        )}
        {dated && <Scrubber dates={dates} total={total} place={place} onGo={(index) => handle.current?.goTo(index)} />}
      </div>
      <Drawer
        opened={filtering}
        onClose={() => setFiltering(false)}
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
      {leaving.asked && <DeleteAll asked={leaving.asked} onYes={leaving.confirm} onNo={leaving.keep} />}
      <Outlet />
    </div>
  );
}

function Search({ q, onChange }: { q: string; onChange: (q: string | undefined) => void }) {
  const [text, setText] = useState(q);
  const [typed] = useDebouncedValue(text.trim(), TYPING_MS);
  useEffect(() => {
    if (typed !== q) onChange(typed || undefined);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [typed]);
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

/** The day of the pictures at the top of the screen; the line of dates tells it to screen readers. */
function Here({ dates, place }: { dates: Dates; place: Place }) {
  const date = dates.dayAt(useIndex(place));
  return (
    <span className={classes.here} aria-hidden>
      {date && day(date)}
    </span>
  );
}

function Nothing({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }) {
  return (
    <div className={classes.nothing}>
      <h2>{narrowed ? "No image is like that" : "No images yet"}</h2>
      {narrowed ? (
        <Button variant="light" onClick={onClear}>
          Show all images
        </Button>
      ) : (
        <p>
          <Link to="/import">Import a folder</Link>: its pictures appear here as they arrive.
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
    function pressed(event: KeyboardEvent): void {
      if (isTyping(event) || document.querySelector("[role=dialog]") || event.defaultPrevented) return;
      if (event.key === "Escape" && selection.size > 0) selection.clear();
      else if (event.key === "Delete" && selection.size > 0) onDelete();
      else if (event.key === "/" && singleKeys.on() && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        document.getElementById("search")?.focus();
      }
    }
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}

function parameters(query: object): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]),
  );
  return new URLSearchParams(pairs).toString();
}
