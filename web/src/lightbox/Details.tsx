/// What is known of a picture.
import { CloseButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type ImageDetail, sentence } from "@/api/index.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { cameraTime, moment, number, size, typeName } from "@/shell/wording.ts";
import classes from "./Lightbox.module.css";

const DEGREES = 5;

export function Details({
  image,
  error,
  onClose,
}: {
  image: ImageDetail | undefined;
  error: Error | null;
  onClose: () => void;
}) {
  return (
    <aside className={classes.details} aria-label="What is known of it">
      <div className={classes.head}>
        <h2>{image?.name ?? (error ? "This image cannot be shown" : "…")}</h2>
        {image && (
          <CommandLines
            what="This image"
            width="17rem"
            lines={{
              curl: `${curl("GET", `/api/images/${image.id}`)}\n${curl("GET", `/api/images/${image.id}/content`)}`,
              cli: [
                cli("images", `--id ${image.id} --json`),
                cli("images", `--id ${image.id} --download image.zip`),
              ].join("\n"),
            }}
          />
        )}
        <CloseButton onClick={onClose} aria-label="Hide what is known of it" />
      </div>
      {error && <p role="alert">{sentence(error)}</p>}
      {image && <Known image={image} />}
    </aside>
  );
}

function Known({ image }: { image: ImageDetail }) {
  const { details, location } = image;
  const pixels = image.width && image.height ? `${number(image.width)} × ${number(image.height)}` : null;
  const exposure = [
    details.exposure_s ? `${shutter(details.exposure_s)} s` : null,
    details.aperture ? `f/${details.aperture}` : null,
    details.focal_length_mm ? `${details.focal_length_mm} mm` : null,
    details.iso ? `ISO ${details.iso}` : null,
  ].filter((part) => part !== null);
  const place = location && `${location.latitude.toFixed(DEGREES)}, ${location.longitude.toFixed(DEGREES)}`;
  return (
    <>
      <Facts
        facts={{
          Taken: image.taken_at && cameraTime(image.taken_at),
          Camera: image.camera,
          Lens: details.lens,
          Exposure: exposure.join(" · "),
          Place: place && (details.altitude_m ? `${place}, ${Math.round(details.altitude_m)} m` : place),
        }}
      />
      <Facts
        facts={{
          Type: typeName(image.mime_type),
          Size: [size(image.size), pixels].filter(Boolean).join(" · "),
          Folder: image.path,
          Imported: moment(image.created_at),
          Import: image.job_id && (
            <Link to="/jobs/$jobId" params={{ jobId: image.job_id }}>
              Its job
            </Link>
          ),
          Source: image.source_url && (
            <a href={image.source_url} target="_blank" rel="noreferrer">
              Google Drive
            </a>
          ),
        }}
      />
      <Facts mono facts={{ Object: image.storage_path, MD5: image.checksum }} />
    </>
  );
}

/** Those of them that are known. */
function Facts({ facts, mono }: { facts: Record<string, ReactNode>; mono?: boolean }) {
  const told = Object.entries(facts).filter(([, value]) => value);
  if (told.length === 0) return null;
  return (
    <dl className={classes.group}>
      {told.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={mono ? classes.mono : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** As photographers write it: 1/250, or 1.3. */
function shutter(seconds: number): string {
  return seconds < 0.5 ? `1/${Math.round(1 / seconds)}` : String(Math.round(seconds * 10) / 10);
}
