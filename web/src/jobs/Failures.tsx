/// The failed and skipped files of a job, grouped by reason, with who can fix each failure and how.
import { Button } from "@mantine/core";
import { IconChevronDown, IconDownload, IconRefresh } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { errorMessage, type Item, type JobDetail, type ReasonCount } from "@/api/index.ts";
import { itemsQuery } from "@/api/queries.ts";
import { type Commands, CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { FIX_BY_LABELS, plural } from "@/shell/format.ts";
import { can, useJobAction } from "./actions.ts";
import classes from "./Failures.module.css";

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
            what="the failed files"
            commands={{ curl: curl("GET", `/api/jobs/${job.id}/failures.csv`), cli: cli("jobs", job.id, "--json") }}
          />
        </div>
      </div>
      {job.failures.map((group) => (
        <FailureGroup key={group.reason} group={group} job={job} />
      ))}
    </section>
  );
}

function FailureGroup({ group, job }: { group: ReasonCount; job: JobDetail }) {
  const [isOpen, setOpen] = useState(false);
  const action = useJobAction(job.id);
  const list_id = `items-${group.reason}`;
  const files = plural(group.count, "file");
  const fix_by = FIX_BY_LABELS[group.mender];
  return (
    <article className={classes.group}>
      <div className={classes.row}>
        <div className={classes.what}>
          <h3>
            <span className={classes.count}>{files}:</span> {group.title}
          </h3>
          <p>
            {fix_by && <strong className={classes.fixBy}>{fix_by}</strong>} {group.mend}
          </p>
        </div>
        <div className={classes.actions}>
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            aria-expanded={isOpen}
            aria-controls={list_id}
            onClick={() => setOpen(!isOpen)}
            rightSection={<IconChevronDown size={14} aria-hidden />}
          >
            Files
          </Button>
          {can(job, "retry") && (
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<IconRefresh size={14} aria-hidden />}
              loading={action.isPending}
              onClick={() => action.mutate({ kind: "retry", reasons: [group.reason] })}
            >
              Retry {files}
              <span className="sr-only">: {group.title}</span>
            </Button>
          )}
          {can(job, "retry") && (
            <CommandLines
              what={`retrying ${files}: ${group.title}`}
              commands={retryCommands(job.id, { reasons: [group.reason] }, `--reason ${group.reason}`)}
            />
          )}
        </div>
      </div>
      {isOpen && <FailedFiles id={list_id} job={job} group={group} />}
    </article>
  );
}

function FailedFiles({ id, job, group }: { id: string; job: JobDetail; group: ReasonCount }) {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    itemsQuery(job.id, group.reason),
  );
  const action = useJobAction(job.id);
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div id={id} className={classes.items}>
      {error && <p role="alert">{errorMessage(error)}</p>}
      <ul>
        {items.map((item) => (
          <FailedFile
            key={item.id}
            item={item}
            detail={withoutTitle(item.detail ?? "", group.title)}
            job_id={job.id}
            onRetry={can(job, "retry") ? () => action.mutate({ kind: "retry", item_ids: [item.id] }) : undefined}
          />
        ))}
      </ul>
      {hasNextPage && (
        <Button size="compact-sm" variant="subtle" onClick={() => void fetchNextPage()} loading={isFetchingNextPage}>
          Show more files
        </Button>
      )}
    </div>
  );
}

/** The group's title stands above the files: do not repeat it at each. */
function withoutTitle(detail: string, title: string): string {
  const start = title.replace(/\.$/, "");
  return detail.startsWith(start) ? detail.slice(start.length).replace(/^[.:]\s*/, "") : detail;
}

interface FailedFileProps {
  item: Item;
  detail: string;
  job_id: string;
  onRetry?: () => void;
}

function FailedFile({ item, detail, job_id, onRetry }: FailedFileProps) {
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
        {detail && <p>{detail}</p>}
      </div>
      {onRetry && (
        <div className={classes.actions}>
          <Button size="compact-xs" variant="subtle" onClick={onRetry}>
            Retry<span className="sr-only"> {item.name}</span>
          </Button>
          <CommandLines
            what={`retrying ${item.name}`}
            commands={retryCommands(job_id, { item_ids: [item.id] }, `--item ${item.id}`)}
          />
        </div>
      )}
    </li>
  );
}

const retryCommands = (job_id: string, body: object, flag: string): Commands => ({
  curl: curl("POST", `/api/jobs/${job_id}/retry`, body),
  cli: cli("retry", job_id, flag),
});

export function SkippedFiles({ job }: { job: JobDetail }) {
  if (job.skips.length === 0) return null;
  return (
    <section aria-labelledby="skipped" className={classes.section}>
      <h2 id="skipped">{plural(job.skipped, "file")} skipped</h2>
      <ul className={classes.skips}>
        {job.skips.map((group) => (
          <li key={group.reason}>
            <span className={classes.count}>{plural(group.count, "file")}:</span> {group.title}
          </li>
        ))}
      </ul>
    </section>
  );
}
