/// One job: how far it is, what can be done with it, what went wrong and who can mend it, its receipt.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { type JobDetail, sentence } from "@/api/index.ts";
import { jobQuery } from "@/api/queries.ts";
import { duration, instant, isUnderWay, jobName, moment, number, range, size } from "@/shell/wording.ts";
import { Controls } from "./Controls.tsx";
import { Failures, Skips } from "./Failures.tsx";
import { StateBadge } from "./JobCard.tsx";
import classes from "./JobPage.module.css";
import { Meter } from "./Meter.tsx";
import { Milestones } from "./Milestones.tsx";
import { Receipt } from "./Receipt.tsx";

const RateLine = lazy(() => import("./RateLine.tsx").then((room) => ({ default: room.RateLine })));

export function JobPage() {
  const { jobId } = useParams({ from: "/jobs/$jobId" });
  const { data: job, error } = useQuery(jobQuery(jobId));
  if (error) {
    return (
      <div className={classes.page}>
        <h1 className={classes.name}>This job cannot be shown</h1>
        <p role="alert">{sentence(error)}</p>
        <Link to="/jobs">All jobs</Link>
      </div>
    );
  }
  if (!job) return <div className={classes.page} aria-busy />;
  return (
    <div className={classes.page}>
      <title>{`${jobName(job)} · imageferry`}</title>
      <Milestones job={job} />
      <div className={classes.head}>
        <div className={classes.title}>
          <h1 className={classes.name}>{jobName(job)}</h1>
          <StateBadge job={job} />
        </div>
        <Controls job={job} />
      </div>
      {job.detail && <p className={classes.detail}>{job.detail}</p>}
      <section className={classes.card} aria-label="Progress">
        <Meter job={job} />
        <Figures job={job} />
        {job.discovered > 0 && (
          <Suspense fallback={<div className={classes.line} />}>
            <div className={classes.line}>
              <RateLine job={job} />
            </div>
          </Suspense>
        )}
      </section>
      <p className={classes.gallery}>
        {job.stored > 0 && (
          <Link to="/gallery" search={{ job: job.id }}>
            {job.stored === 1 ? "See the picture" : `See the ${number(job.stored)} pictures`}
          </Link>
        )}
      </p>
      <Failures job={job} />
      <Skips job={job} />
      {!isUnderWay(job) && <Receipt job={job} />}
      <Facts job={job} />
    </div>
  );
}

function Figures({ job }: { job: JobDetail }) {
  const took_s =
    job.started_at && job.finished_at
      ? (instant(job.finished_at).getTime() - instant(job.started_at).getTime()) / 1000
      : null;
  const figures: [string, string][] = [
    ["Stored", `${number(job.stored)} · ${size(job.bytes_stored)}`],
    ["Unchanged", number(job.unchanged)],
    ["Skipped", number(job.skipped - job.unchanged)],
    ["Failed", number(job.failed)],
    ...(job.rate && isUnderWay(job)
      ? ([
          ["Now", `${job.rate.files_s.toFixed(job.rate.files_s < 10 ? 1 : 0)} files/s · ${size(job.rate.bytes_s)}/s`],
        ] as [string, string][])
      : []),
    ...(job.eta ? ([["Left", range(job.eta.min_s, job.eta.max_s)]] as [string, string][]) : []),
    ...(took_s === null ? [] : ([["Took", duration(took_s)]] as [string, string][])),
  ];
  return (
    <dl className={classes.figures}>
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Facts({ job }: { job: JobDetail }) {
  return (
    <dl className={classes.facts}>
      <dt>Folder</dt>
      <dd>
        {job.source_url ? (
          <a href={job.source_url} rel="noreferrer" target="_blank">
            {job.folder_id}
          </a>
        ) : (
          job.folder_id
        )}
      </dd>
      <dt>Store</dt>
      <dd>{job.store}</dd>
      <dt>Begun</dt>
      <dd>{moment(job.created_at)}</dd>
      <dt>Job</dt>
      <dd className={classes.mono}>{job.id}</dd>
    </dl>
  );
}
