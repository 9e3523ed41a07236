/// How far a job is, as a bar and as words.
import { Progress } from "@mantine/core";
import type { Job } from "@/api/index.ts";
import { found, isUnderWay, jobName, number, share } from "@/shell/wording.ts";
import classes from "./Meter.module.css";

export function Meter({ job }: { job: Job }) {
  const done = share(job.processed, job.discovered);
  const moving = job.state === "running" || job.state === "accepted";
  return (
    <div className={classes.meter}>
      <Progress.Root size={8} radius="xl" transitionDuration={300}>
        <Progress.Section
          value={share(job.stored + job.skipped, job.discovered)}
          color="var(--accent)"
          striped={moving && !job.listing_done}
          animated={moving && !job.listing_done}
          aria-label={`Files of ${jobName(job)} that are done`}
          aria-valuetext={`${number(job.processed)} of ${found(job)}`}
          aria-valuenow={Math.round(done)}
        />
        {job.failed > 0 && (
          <Progress.Section
            value={share(job.failed, job.discovered)}
            color="var(--alarm)"
            aria-label="Files that failed"
            aria-valuenow={Math.round(share(job.failed, job.discovered))}
          />
        )}
      </Progress.Root>
      <p className={classes.words}>
        <span>
          <strong>{number(job.processed)}</strong> of {found(job)}
        </span>
        {!(isUnderWay(job) && !job.listing_done) && <span>{Math.floor(done)} %</span>}
      </p>
    </div>
  );
}
