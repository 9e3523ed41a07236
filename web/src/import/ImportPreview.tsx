/// The preview of an import: what would be copied, and what would be skipped or fail.
import { Badge } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Preview } from "@/api/index.ts";
import { number, plural, size, typeName } from "@/shell/format.ts";
import classes from "./ImportPreview.module.css";

const TYPES_MAX = 6;

export function ImportPreview({
  preview,
  isStale,
  children,
}: {
  preview: Preview;
  isStale: boolean;
  children?: ReactNode;
}) {
  // Counts of a listing that was cut short are lower bounds.
  const plus = preview.complete ? "" : "+";
  const otherTypes = preview.types.slice(TYPES_MAX).reduce((sum, { count }) => sum + count, 0);
  return (
    <section className={classes.preview} aria-labelledby="preview" data-stale={isStale || undefined}>
      <div className={classes.head}>
        <h2 id="preview" className={classes.name}>
          {preview.folder_name}
        </h2>
        {children}
      </div>
      <p className={classes.summary}>
        <strong>
          {number(preview.to_store)}
          {plus}
        </strong>{" "}
        {preview.to_store === 1 && preview.complete ? "image" : "images"} to import
        {preview.bytes_to_store > 0 && `, ${size(preview.bytes_to_store)}${plus}`}
        {preview.to_store > 0 && preview.folders > 1 && `, in ${number(preview.folders)}${plus} folders`}
        {!preview.complete && <span className={classes.faint}> (still counting; the import will find the rest)</span>}
      </p>
      <ul className={classes.facts}>
        {preview.types.slice(0, TYPES_MAX).map(({ mime_type, count }) => (
          <li key={mime_type}>
            <Badge variant="light" color="gray" tt="none" fw={550}>
              {typeName(mime_type)} {number(count)}
            </Badge>
          </li>
        ))}
        {otherTypes > 0 && (
          <li>
            <Badge variant="light" color="gray" tt="none" fw={550}>
              Other types {number(otherTypes)}
            </Badge>
          </li>
        )}
        {preview.unchanged > 0 && (
          <li>
            <Badge variant="light" tt="none" fw={550}>
              {number(preview.unchanged)} already imported
            </Badge>
          </li>
        )}
        {preview.changed > 0 && (
          <li>
            <Badge variant="light" tt="none" fw={550}>
              {number(preview.changed)} changed since the last import
            </Badge>
          </li>
        )}
      </ul>
      {preview.samples.length > 0 && (
        <ul className={classes.samples} aria-label="Sample images">
          {preview.samples.map((sample) => (
            <li key={sample.id} title={sample.name}>
              <SampleThumbnail sample={sample} />
              <span className={classes.caption}>{sample.name}</span>
            </li>
          ))}
        </ul>
      )}
      {[...preview.failures, ...preview.skips].map((group) => (
        <p key={group.reason} className={classes.reason}>
          {plural(group.count, "file")}: {group.title}
        </p>
      ))}
    </section>
  );
}

/** The file's thumbnail over the name of its type, which shows until the thumbnail has loaded and when it fails. */
function SampleThumbnail({ sample }: { sample: Preview["samples"][number] }) {
  const [hasFailed, setFailed] = useState(false);
  return (
    <span className={classes.thumbnail}>
      {typeName(sample.mime_type)}
      {sample.thumbnail_url && !hasFailed && <img src={sample.thumbnail_url} alt="" onError={() => setFailed(true)} />}
    </span>
  );
}
