/// A live region that announces a job's state changes and each quarter to screen readers. More would be a constant chatter.
import type { Job } from "@/api/index.ts";
import { isActive, number, percent, percentage, STATE_LABELS } from "@/shell/format.ts";

const STEP_PERCENT = 25;

export function StatusAnnouncer({ job }: { job: Job }) {
  const progress = job.listing_done
    ? Math.floor(percentage(job.processed, job.discovered) / STEP_PERCENT) * STEP_PERCENT
    : 0;
  const result = isActive(job)
    ? ""
    : `: ${number(job.stored)} stored, ${number(job.skipped)} skipped, ${number(job.failed)} failed`;
  return (
    <p role="status" className="sr-only">
      {STATE_LABELS[job.state]}
      {result || (progress > 0 ? `, ${percent(progress)}` : "")}
    </p>
  );
}
