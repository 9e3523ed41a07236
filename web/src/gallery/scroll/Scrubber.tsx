/// The timeline beside the gallery: drag to a date, or step by month with the keyboard.
import { type KeyboardEvent, type PointerEvent, type RefObject, useMemo, useRef, useState } from "react";
import { day, month, monthName } from "@/shell/format.ts";
import { type DateIndex, timelineLabels } from "./dates.ts";
import classes from "./Scrubber.module.css";
import { type TopIndex, useTopIndex } from "./topIndex.ts";
import { useSize } from "./useSize.ts";

const LABEL_DISTANCE_PX = 30;

export interface ScrubberProps {
  dates: DateIndex;
  total: number;
  topIndex: TopIndex;
  onGoTo: (index: number) => void;
}

export function Scrubber({ dates, total, topIndex, onGoTo }: ScrubberProps) {
  const track = useRef<HTMLDivElement>(null);
  const { height } = useSize(track);
  const [hoverIndex, setHoverIndex] = useState<number | null>(null);
  const [isDragging, setDragging] = useState(false);
  const labels = useMemo(() => timelineLabels(dates, LABEL_DISTANCE_PX / Math.max(1, height)), [dates, height]);
  const index = useTopIndex(topIndex);
  const currentDate = dates.dayAt(index);

  const indexAt = ({ clientY }: PointerEvent): number => {
    const { top, height: length } = (track as RefObject<HTMLDivElement>).current.getBoundingClientRect();
    const fraction = Math.min(1, Math.max(0, (clientY - top) / length));
    return Math.min(total - 1, Math.floor(fraction * total));
  };
  const onPointerMove = (event: PointerEvent): void => {
    setHoverIndex(indexAt(event));
    if (isDragging) onGoTo(indexAt(event));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const current = dates.months.findLastIndex(({ index: first }) => first <= index);
    const isInsideMonth = index > (dates.months[current]?.index ?? 0);
    const targets: Record<string, number | undefined> = {
      ArrowDown: dates.months[current + 1]?.index,
      ArrowRight: dates.months[current + 1]?.index,
      ArrowUp: dates.months[Math.max(0, isInsideMonth ? current : current - 1)]?.index,
      ArrowLeft: dates.months[Math.max(0, current - 1)]?.index,
      Home: 0,
      End: total - 1,
      PageDown: Math.min(total - 1, index + Math.ceil(total / 10)),
      PageUp: Math.max(0, index - Math.ceil(total / 10)),
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    onGoTo(target);
  };

  const hoverDate = hoverIndex === null ? null : dates.dayAt(hoverIndex);
  return (
    <div
      ref={track}
      className={classes.track}
      role="slider"
      tabIndex={0}
      aria-label="Date"
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, total - 1)}
      aria-valuenow={Math.min(index, Math.max(0, total - 1))}
      aria-valuetext={currentDate ? day(currentDate) : undefined}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragging(true);
        setHoverIndex(indexAt(event));
        onGoTo(indexAt(event));
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
      onPointerLeave={() => setHoverIndex(null)}
    >
      {labels.map((label) => (
        <span
          key={label.date}
          className={classes.label}
          data-year={label.isYear || undefined}
          style={{ top: `${label.at * 100}%` }}
        >
          {label.isYear ? label.date.slice(0, 4) : monthName(label.date)}
        </span>
      ))}
      <span className={classes.thumb} style={{ top: `${(total > 0 ? index / total : 0) * 100}%` }} />
      {hoverDate && hoverIndex !== null && (
        <span className={classes.tooltip} style={{ top: `${(hoverIndex / Math.max(1, total)) * 100}%` }}>
          {month(hoverDate)}
        </span>
      )}
    </div>
  );
}
