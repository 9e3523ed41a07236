/// A job in a few lines: what it imports, how far it is.
import { Badge } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Job } from "@/api/index.ts";
import { isUnderWay, jobName, moment, number, plural, range, size, STATES } from "@/shell/wording.ts";
import classes from "./JobCard.module.css";
import { Meter } from "./Meter.tsx";

export function JobCard({ job, heading: Heading = "h3" }: { job: Job; heading?: "h2" | "h3" }) {
  return (
    <article className={classes.card}>
      <div className={classes.head}>
        <Heading className={classes.name}>
          <Link to="/jobs/$jobId" params={{ jobId: job.id }}>
            {jobName(job)}
          </Link>
        </Heading>
        <StateBadge job={job} />
      </div>
      {isUnderWay(job) && <Meter job={job} />}
      <p className={classes.sum}>{summary(job)}</p>
      {job.detail && <p className={classes.detail}>{job.detail}</p>}
    </article>
  );
}

const COLORS: Record<Job["state"], string> = {
  accepted: "sea",
  running: "sea",
  waiting: "yellow",
  paused: "gray",
  cancelling: "gray",
  completed: "green",
  failed: "red",
  cancelled: "gray",
};

export function StateBadge({ job }: { job: Job }) {
  return (
    <Badge variant="light" color={COLORS[job.state]} tt="none" className={classes.badge}>
      {STATES[job.state]}
    </Badge>
  );
}

function summary(job: Job): string {
  const parts = [`${number(job.stored)} stored (${size(job.bytes_stored)})`];
  if (job.unchanged) parts.push(`${number(job.unchanged)} unchanged`);
  if (job.skipped > job.unchanged) parts.push(`${number(job.skipped - job.unchanged)} skipped`);
  if (job.failed) parts.push(`${number(job.failed)} failed`);
  if (!isUnderWay(job)) parts.push(moment(job.finished_at ?? job.created_at));
  else if (job.eta) parts.push(`${range(job.eta.min_s, job.eta.max_s)} left`);
  else if (job.rate) parts.push(`${plural(Math.round(job.rate.files_s), "file")} a second`);
  return parts.join(" · ");
}
