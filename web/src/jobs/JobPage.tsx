/// One import: its progress, actions, failures and receipt.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { errorMessage, hasStatus, type JobDetail } from "@/api/index.ts";
import { jobQuery } from "@/api/queries.ts";
import {
  decimal,
  duration,
  durationRange,
  isActive,
  jobName,
  number,
  parseTime,
  plural,
  size,
} from "@/shell/format.ts";
import { Timestamp } from "@/shell/Timestamp.tsx";
import { Controls } from "./Controls.tsx";
import { Failures, SkippedFiles } from "./Failures.tsx";
import { StateBadge } from "./JobCard.tsx";
import classes from "./JobPage.module.css";
import { ProgressBar } from "./ProgressBar.tsx";
import { Receipt } from "./Receipt.tsx";
import { StatusAnnouncer } from "./StatusAnnouncer.tsx";

const RateChart = lazy(() => import("./RateChart.tsx").then((module) => ({ default: module.RateChart })));

export function JobPage() {
  const { jobId } = useParams({ from: "/jobs/$jobId" });
  const { data: job, error } = useQuery(jobQuery(jobId));
  if (error) {
    return (
      <div className={classes.page}>
        <title>Import · imageferry</title>
        <h1 className={classes.name}>This import can't be shown</h1>
        <p role="alert">{hasStatus(error, 404) ? "There is no import with this ID." : errorMessage(error)}</p>
        <Link to="/jobs">All imports</Link>
      </div>
    );
  }
  if (!job) return <div className={classes.page} aria-busy />;
  return (
    <div className={classes.page}>
      <title>{`${jobName(job)} · imageferry`}</title>
      <StatusAnnouncer job={job} />
      <div className={classes.head}>
        <div className={classes.title}>
          <h1 className={classes.name}>{jobName(job)}</h1>
          <StateBadge job={job} />
        </div>
        <Controls job={job} />
      </div>
      {job.detail && <p className={classes.detail}>{job.detail}</p>}
      <section className={classes.card} aria-label="Progress">
        <ProgressBar job={job} />
        <Figures job={job} />
        {job.discovered > 0 && (
          <Suspense fallback={<div className={classes.chart} />}>
            <div className={classes.chart}>
              <RateChart job={job} />
            </div>
          </Suspense>
        )}
      </section>
      <p className={classes.gallery}>
        {job.stored > 0 && (
          <Link to="/gallery" search={{ job: job.id }}>
            View {plural(job.stored, "image")} in the gallery
          </Link>
        )}
      </p>
      <Failures job={job} />
      <SkippedFiles job={job} />
      {!isActive(job) && <Receipt job={job} />}
      <Facts job={job} />
    </div>
  );
}

function Figures({ job }: { job: JobDetail }) {
  const duration_s =
    job.started_at && job.finished_at
      ? (parseTime(job.finished_at).getTime() - parseTime(job.started_at).getTime()) / 1000
      : null;
  const figures: [name: string, value: string | null][] = [
    ["Stored", `${number(job.stored)} · ${size(job.bytes_stored)}`],
    ["Unchanged", number(job.unchanged)],
    ["Skipped", number(job.skipped - job.unchanged)],
    ["Failed", number(job.failed)],
    ["Speed", job.rate && isActive(job) && job.processed > 0 ? speed(job.rate) : null],
    ["Time left", job.eta && durationRange(job.eta.min_s, job.eta.max_s)],
    ["Duration", duration_s === null ? null : duration(duration_s)],
  ];
  return (
    <dl className={classes.figures}>
      {figures
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function speed({ files_per_second, bytes_per_second }: NonNullable<JobDetail["rate"]>): string {
  return `${files_per_second < 9.95 ? decimal(files_per_second) : number(Math.round(files_per_second))} files/s · ${size(bytes_per_second)}/s`;
}

function Facts({ job }: { job: JobDetail }) {
  return (
    <dl className={classes.facts}>
      <Fact name="Folder">
        {job.source_url ? (
          <a href={job.source_url} rel="noreferrer" target="_blank">
            {job.folder_id}
          </a>
        ) : (
          job.folder_id
        )}
      </Fact>
      <Fact name="Storage">{job.store}</Fact>
      <Fact name="Started">
        <Timestamp time={job.created_at} />
      </Fact>
      <Fact name="Import ID">
        <span className={classes.mono}>{job.id}</span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
