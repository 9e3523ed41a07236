/// Files a second, over the job's whole time.
import { useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Job } from "@/api/index.ts";
import { progressQuery } from "@/api/queries.ts";
import { isUnderWay } from "@/shell/wording.ts";
import { rates } from "./rates.ts";

const LOOK_EVERY_MS = 3000;
const HEIGHT_PX = 150;
// Between two times that are written: no less than they tell.
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

const clock = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

export function RateLine({ job }: { job: Job }) {
  const { data } = useQuery({ ...progressQuery(job.id), refetchInterval: isUnderWay(job) ? LOOK_EVERY_MS : false });
  const scheme = useComputedColorScheme("light");
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const points = rates(data ?? []);
  const enough = points[0].length > 1;

  useEffect(() => {
    if (!place.current || !enough) return;
    const within = place.current;
    plot.current = new uPlot(options(within), points, within);
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: within.clientWidth, height: HEIGHT_PX }));
    resized.observe(within);
    return () => {
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
    // The points come by setData; a new scheme needs new colours.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [enough, scheme]);

  useEffect(() => plot.current?.setData(points));

  if (data && !enough && !isUnderWay(job)) return null;
  return (
    <div
      ref={place}
      role="img"
      aria-label={`Files a second over time; most: ${Math.max(0, ...points[1]).toFixed(1)}`}
    />
  );
}

function options(within: HTMLElement): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const colour = (name: string): string => css.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--mantine-color-dimmed"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  return {
    width: within.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        incrs: STEPS_S,
        size: 26,
        values: (_, at_s) => at_s.map((s) => clock.format(s * 1000)),
      },
      { ...axis, size: 46, values: (_, values) => values.map((value) => `${value}/s`) },
    ],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    series: [{}, { stroke: colour("--accent"), width: 2, fill: `${colour("--accent")}22`, points: { show: false } }],
  };
}
