/// A chart of files per second over the whole job.
import { useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Job } from "@/api/index.ts";
import { progressQuery } from "@/api/queries.ts";
import { decimal, isActive, LANGUAGES, number } from "@/shell/format.ts";
import { rates } from "./rates.ts";

const REFETCH_EVERY_MS = 3000;
const HEIGHT_PX = 150;
// Intervals between the labels of the time axis, which show whole seconds.
const LABEL_INTERVALS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

const clock = new Intl.DateTimeFormat(LANGUAGES, { timeStyle: "medium" });

export function RateChart({ job }: { job: Job }) {
  const { data } = useQuery({ ...progressQuery(job.id), refetchInterval: isActive(job) ? REFETCH_EVERY_MS : false });
  const scheme = useComputedColorScheme("light");
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const points = rates(data ?? []);
  const hasLine = points[0].length > 1;

  useEffect(() => {
    if (!container.current || !hasLine) return;
    const element = container.current;
    plot.current = new uPlot(options(element), points, element);
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
    // The effect below updates the points. A new colour scheme needs a new chart.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [hasLine, scheme]);

  useEffect(() => plot.current?.setData(points));

  if (data && !hasLine && !isActive(job)) return null;
  return (
    <div
      ref={container}
      role="img"
      aria-label={`Files per second over time, at most ${decimal(Math.max(0, ...points[1]))}`}
    />
  );
}

function options(container: HTMLElement): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const color = (name: string): string => css.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--mantine-color-dimmed"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  return {
    width: container.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        incrs: LABEL_INTERVALS_S,
        size: 26,
        values: (_, at_s) => at_s.map((s) => clock.format(s * 1000)),
      },
      { ...axis, size: 46, values: (_, values) => values.map((value) => `${number(value)}/s`) },
    ],
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    series: [{}, { stroke: color("--accent"), width: 2, fill: `${color("--accent")}22`, points: { show: false } }],
  };
}
