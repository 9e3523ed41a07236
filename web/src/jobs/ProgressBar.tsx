/// A job's progress as a bar and as text.
import { Progress } from "@mantine/core";
import type { Job } from "@/api/index.ts";
import { filesFound, isActive, jobName, number, percent, percentage } from "@/shell/format.ts";
import classes from "./ProgressBar.module.css";

export function ProgressBar({ job }: { job: Job }) {
  const processed = percentage(job.processed, job.discovered);
  const failed = percentage(job.failed, job.discovered);
  const isRunning = job.state === "running" || job.state === "accepted";
  const isCounting = isActive(job) && !job.listing_done;
  return (
    <div className={classes.progress}>
      <Progress.Root size={8} radius="xl" transitionDuration={300}>
        <Progress.Section
          value={percentage(job.stored + job.skipped, job.discovered)}
          color="var(--accent)"
          striped={isRunning && !job.listing_done}
          animated={isRunning && !job.listing_done}
          aria-label={`Progress of ${jobName(job)}`}
          aria-valuetext={`${number(job.processed)} of ${filesFound(job)}`}
          aria-valuenow={Math.round(processed)}
        />
        {job.failed > 0 && (
          <Progress.Section
            value={failed}
            color="var(--alarm)"
            aria-label="Failed files"
            aria-valuenow={Math.round(failed)}
          />
        )}
      </Progress.Root>
      <p className={classes.text}>
        <span>
          <strong>{number(job.processed)}</strong> of {filesFound(job)}
        </span>
        {!isCounting && <span>{percent(Math.floor(processed))}</span>}
      </p>
    </div>
  );
}
