/// An import in a list: its folder, state, progress and counts.
import { Badge } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Job } from "@/api/index.ts";
import { durationRange, isActive, jobName, number, size, STATE_LABELS } from "@/shell/format.ts";
import { Timestamp } from "@/shell/Timestamp.tsx";
import classes from "./JobCard.module.css";
import { ProgressBar } from "./ProgressBar.tsx";

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
      {isActive(job) && <ProgressBar job={job} />}
      <p className={classes.summary}>
        {summary(job)}
        {!isActive(job) && (
          <>
            {" · "}
            <Timestamp time={job.finished_at ?? job.created_at} />
          </>
        )}
      </p>
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
      {STATE_LABELS[job.state]}
    </Badge>
  );
}

function summary(job: Job): string {
  const parts = [`${number(job.stored)} stored (${size(job.bytes_stored)})`];
  if (job.unchanged) parts.push(`${number(job.unchanged)} unchanged`);
  if (job.skipped > job.unchanged) parts.push(`${number(job.skipped - job.unchanged)} skipped`);
  if (job.failed) parts.push(`${number(job.failed)} failed`);
  if (isActive(job) && job.eta) parts.push(`${durationRange(job.eta.min_s, job.eta.max_s)} left`);
  else if (isActive(job) && job.rate) parts.push(`${number(Math.round(job.rate.files_per_second))} files/s`);
  return parts.join(" · ");
}
