/// The whole gallery as a line of dates: drag along it, or step by month.
import { type KeyboardEvent, type PointerEvent, type RefObject, useMemo, useRef, useState } from "react";
import { day, month } from "@/shell/wording.ts";
import { type Dates, labels } from "./dates.ts";
import { type Place, useIndex } from "./place.ts";
import classes from "./Scrubber.module.css";
import { useSize } from "./useSize.ts";

const LABEL_APART_PX = 30;

export interface ScrubberProps {
  dates: Dates;
  total: number;
  place: Place;
  onGo: (index: number) => void;
}

export function Scrubber({ dates, total, place, onGo }: ScrubberProps) {
  const line = useRef<HTMLDivElement>(null);
  const { height } = useSize(line);
  const [pointed, setPointed] = useState<number | null>(null);
  const [dragging, setDragging] = useState(false);
  const marks = useMemo(() => labels(dates, LABEL_APART_PX / Math.max(1, height)), [dates, height]);
  const index = useIndex(place);
  const here = dates.dayAt(index);

  const indexAt = ({ clientY }: PointerEvent): number => {
    const { top, height: length } = (line as RefObject<HTMLDivElement>).current.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientY - top) / length));
    return Math.min(total - 1, Math.floor(share * total));
  };
  const follow = (event: PointerEvent): void => {
    setPointed(indexAt(event));
    if (dragging) onGo(indexAt(event));
  };
  const step = (event: KeyboardEvent): void => {
    const shown = dates.months.findLastIndex(({ index: first }) => first <= index);
    const to: Record<string, number | undefined> = {
      ArrowDown: dates.months[shown + 1]?.index,
      ArrowRight: dates.months[shown + 1]?.index,
      ArrowUp: dates.months[Math.max(0, index > (dates.months[shown]?.index ?? 0) ? shown : shown - 1)]?.index,
      ArrowLeft: dates.months[Math.max(0, shown - 1)]?.index,
      Home: 0,
      End: total - 1,
      PageDown: Math.min(total - 1, index + Math.ceil(total / 10)),
      PageUp: Math.max(0, index - Math.ceil(total / 10)),
    };
    const wanted = to[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    onGo(wanted);
  };

  const told = pointed === null ? null : dates.dayAt(pointed);
  return (
    <div
      ref={line}
      className={classes.line}
      role="slider"
      tabIndex={0}
      aria-label="Date"
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, total - 1)}
      aria-valuenow={Math.min(index, Math.max(0, total - 1))}
      aria-valuetext={here ? day(here) : undefined}
      onKeyDown={step}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
        setPointed(indexAt(event));
        onGo(indexAt(event));
      }}
      onPointerMove={follow}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onPointerLeave={() => setPointed(null)}
    >
      {marks.map((mark) => (
        <span
          key={mark.date}
          className={classes.mark}
          data-year={mark.year || undefined}
          style={{ top: `${mark.at * 100}%` }}
        >
          {mark.year ? mark.date.slice(0, 4) : month(mark.date).slice(0, 3)}
        </span>
      ))}
      <span className={classes.thumb} style={{ top: `${(total > 0 ? index / total : 0) * 100}%` }} />
      {told && pointed !== null && (
        <span className={classes.told} style={{ top: `${(pointed / Math.max(1, total)) * 100}%` }}>
          {month(told)}
        </span>
      )}
    </div>
  );
}
