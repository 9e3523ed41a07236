/// Tells a screen reader of a job's changes: its state, and each quarter; no more, or it would never fall silent.
import type { Job } from "@/api/index.ts";
import { isUnderWay, number, share, STATES } from "@/shell/wording.ts";

const QUARTER = 25;

export function Milestones({ job }: { job: Job }) {
  const quarter = job.listing_done ? Math.floor(share(job.processed, job.discovered) / QUARTER) * QUARTER : 0;
  const ended = isUnderWay(job)
    ? ""
    : `: ${number(job.stored)} stored, ${number(job.skipped)} skipped, ${number(job.failed)} failed`;
  return (
    <p role="status" className="sr-only">
      {STATES[job.state]}
      {ended || (quarter > 0 ? `, ${quarter} percent` : "")}
    </p>
  );
}
