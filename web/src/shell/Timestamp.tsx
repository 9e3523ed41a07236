/// A relative time that stays current, with the exact time on hover.
import { useEffect, useState } from "react";
import { exactTime, parseTime, relativeTime } from "./format.ts";

const UPDATE_EVERY_MS = 30_000;

export function Timestamp({ time }: { time: string }) {
  const [now_ms, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), UPDATE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={parseTime(time).toISOString()} title={exactTime(time)}>
      {relativeTime(time, now_ms)}
    </time>
  );
}
