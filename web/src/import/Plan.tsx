/// What an import would do, before any byte of it moves.
import { Badge } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Preview } from "@/api/index.ts";
import { number, plural, size, typeName } from "@/shell/wording.ts";
import classes from "./Plan.module.css";

const TYPES_MAX = 6;

export function Plan({ plan, stale, children }: { plan: Preview; stale: boolean; children?: ReactNode }) {
  const more = plan.complete ? "" : "+";
  const rarer = plan.types.slice(TYPES_MAX).reduce((sum, { count }) => sum + count, 0);
  return (
    <section className={classes.plan} aria-labelledby="plan" data-stale={stale || undefined}>
      <div className={classes.head}>
        <h2 id="plan" className={classes.name}>
          {plan.folder_name}
        </h2>
        {children}
      </div>
      <p className={classes.sum}>
        <strong>
          {number(plan.to_store)}
          {more}
        </strong>{" "}
        {plan.to_store === 1 ? "image" : "images"} to import
        {plan.bytes_to_store > 0 && `, ${size(plan.bytes_to_store)}${more}`}
        {plan.folders > 1 && `, in ${number(plan.folders)}${more} folders`}
        {!plan.complete && <span className={classes.faint}> (the count goes on while it imports)</span>}
      </p>
      <ul className={classes.facts}>
        {plan.types.slice(0, TYPES_MAX).map(({ mime_type, count }) => (
          <li key={mime_type}>
            <Badge variant="light" color="gray" tt="none" fw={550}>
              {typeName(mime_type)} {number(count)}
            </Badge>
          </li>
        ))}
        {rarer > 0 && (
          <li>
            <Badge variant="light" color="gray" tt="none" fw={550}>
              others {number(rarer)}
            </Badge>
          </li>
        )}
        {plan.unchanged > 0 && (
          <li>
            <Badge variant="light" tt="none" fw={550}>
              {plural(plan.unchanged, "imported already", "imported already")}
            </Badge>
          </li>
        )}
        {plan.changed > 0 && (
          <li>
            <Badge variant="light" tt="none" fw={550}>
              {number(plan.changed)} changed since
            </Badge>
          </li>
        )}
      </ul>
      {plan.samples.length > 0 && (
        <ul className={classes.samples} aria-label="Some of them">
          {plan.samples.map((sample) => (
            <li key={sample.id} title={sample.name}>
              <Picture sample={sample} />
              <span className={classes.caption}>{sample.name}</span>
            </li>
          ))}
        </ul>
      )}
      {[...plan.failing, ...plan.skipped].map((cause) => (
        <p key={cause.reason} className={classes.cause}>
          {plural(cause.count, "file")}: {cause.title}
        </p>
      ))}
    </section>
  );
}

/** A glimpse of a file; its type until it has come, and where none can be had. */
function Picture({ sample }: { sample: Preview["samples"][number] }) {
  const [failed, setFailed] = useState(false);
  return (
    <span className={classes.picture}>
      {typeName(sample.mime_type)}
      {sample.thumbnail_url && !failed && <img src={sample.thumbnail_url} alt="" onError={() => setFailed(true)} />}
    </span>
  );
}
