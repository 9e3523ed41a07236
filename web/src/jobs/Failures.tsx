/// What failed, by cause: who can mend it, how, and another try.
import { Button } from "@mantine/core";
import { IconChevronDown, IconDownload, IconRefresh } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Cause, type Item, type JobDetail, sentence } from "@/api/index.ts";
import { itemsQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { MENDERS, number, plural } from "@/shell/wording.ts";
import classes from "./Failures.module.css";
import { can, useMove } from "./moves.ts";

export function Failures({ job }: { job: JobDetail }) {
  if (job.failures.length === 0) return null;
  return (
    <section aria-labelledby="failures" className={classes.section}>
      <div className={classes.head}>
        <h2 id="failures">{plural(job.failed, "file")} failed</h2>
        <div className={classes.actions}>
          <Button
            component="a"
            href={`/api/jobs/${job.id}/failures.csv`}
            download
            variant="subtle"
            size="compact-sm"
            leftSection={<IconDownload size={15} aria-hidden />}
          >
            CSV
          </Button>
          <CommandLines
            what="Failures"
            lines={{ curl: curl("GET", `/api/jobs/${job.id}/failures.csv`), cli: cli("jobs", job.id, "--json") }}
          />
        </div>
      </div>
      {job.failures.map((cause) => (
        <Group key={cause.reason} cause={cause} job={job} />
      ))}
    </section>
  );
}

function Group({ cause, job }: { cause: Cause; job: JobDetail }) {
  const [open, setOpen] = useState(false);
  const move = useMove(job.id);
  const list = `items-${cause.reason}`;
  return (
    <article className={classes.cause}>
      <div className={classes.row}>
        <div className={classes.what}>
          <h3>
            <span className={classes.count}>{number(cause.count)}</span> {cause.title}
          </h3>
          <p>
            <strong className={classes.mender}>{MENDERS[cause.mender]}.</strong> {cause.mend}
          </p>
        </div>
        <div className={classes.actions}>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            aria-expanded={open}
            aria-controls={list}
            onClick={() => setOpen(!open)}
            rightSection={<IconChevronDown size={14} aria-hidden />}
          >
            Files
          </Button>
          {can(job, "retry") && (
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={move.isPending}
              onClick={() => move.mutate({ kind: "retry", reasons: [cause.reason] })}
            >
              Retry<span className="sr-only"> those: {cause.title}</span>
            </Button>
          )}
          {can(job, "retry") && (
            <CommandLines
              what={`A retry of those: ${cause.title}`}
              lines={retryLines(job.id, { reasons: [cause.reason] }, `--reason ${cause.reason}`)}
            />
          )}
        </div>
      </div>
      {open && <Items id={list} job={job} reason={cause.reason} />}
    </article>
  );
}

function Items({ id, job, reason }: { id: string; job: JobDetail; reason: Cause["reason"] }) {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(itemsQuery(job.id, reason));
  const move = useMove(job.id);
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div id={id} className={classes.items}>
      {error && <p role="alert">{sentence(error)}</p>}
      <ul>
        {items.map((item) => (
          <Row
            key={item.id}
            item={item}
            job_id={job.id}
            onRetry={can(job, "retry") ? () => move.mutate({ kind: "retry", item_ids: [item.id] }) : undefined}
          />
        ))}
      </ul>
      {hasNextPage && (
        <Button size="compact-sm" variant="subtle" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
          More files
        </Button>
      )}
    </div>
  );
}

function Row({ item, job_id, onRetry }: { item: Item; job_id: string; onRetry?: () => void }) {
  const name = item.path ? `${item.path}/${item.name}` : item.name;
  return (
    <li>
      <div>
        {item.source_url ? (
          <a href={item.source_url} target="_blank" rel="noreferrer">
            {name}
          </a>
        ) : (
          name
        )}
        {item.detail && <p>{item.detail}</p>}
      </div>
      {onRetry && (
        <div className={classes.actions}>
          <Button size="compact-xs" variant="subtle" onClick={onRetry}>
            Retry<span className="sr-only"> {item.name}</span>
          </Button>
          <CommandLines
            what={`A retry of ${item.name}`}
            lines={retryLines(job_id, { item_ids: [item.id] }, `--item ${item.id}`)}
          />
        </div>
      )}
    </li>
  );
}

const retryLines = (job_id: string, body: object, flag: string) => ({
  curl: curl("POST", `/api/jobs/${job_id}/retry`, body),
  cli: cli("retry", job_id, flag),
});

/** What was left out on purpose. */
export function Skips({ job }: { job: JobDetail }) {
  if (job.skips.length === 0) return null;
  return (
    <section aria-labelledby="skips" className={classes.section}>
      <h2 id="skips">{plural(job.skipped, "file")} skipped</h2>
      <ul className={classes.skips}>
        {job.skips.map((cause) => (
          <li key={cause.reason}>
            <span className={classes.count}>{number(cause.count)}</span> {cause.title}
          </li>
        ))}
      </ul>
    </section>
  );
}
