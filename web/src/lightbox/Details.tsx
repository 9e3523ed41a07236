/// The panel with an image's details.
import { CloseButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { errorMessage, type ImageDetail } from "@/api/index.ts";
import { jobQuery } from "@/api/queries.ts";
import { CommandLines, cli, curl } from "@/shell/CommandLines.tsx";
import { cameraTime, jobName, number, size, typeName } from "@/shell/format.ts";
import { Timestamp } from "@/shell/Timestamp.tsx";
import classes from "./Lightbox.module.css";

// About one metre.
const DEGREE_DIGITS = 5;

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
    <aside className={classes.details} aria-label="Details">
      <div className={classes.head}>
        <h2>{image?.name ?? (error ? "This image can't be shown" : "…")}</h2>
        {image && (
          <CommandLines
            what="this image"
            width="17rem"
            commands={{
              curl: `${curl("GET", `/api/images/${image.id}`)}\n${curl("GET", `/api/images/${image.id}/content`)}`,
              cli: [
                cli("images", `--id ${image.id} --json`),
                cli("images", `--id ${image.id} --download image.zip`),
              ].join("\n"),
            }}
          />
        )}
        <CloseButton onClick={onClose} aria-label="Hide details" />
      </div>
      {error && <p role="alert">{errorMessage(error)}</p>}
      {image && <AllFacts image={image} />}
    </aside>
  );
}

function AllFacts({ image }: { image: ImageDetail }) {
  const { details, location } = image;
  const pixels = image.width && image.height ? `${number(image.width)} × ${number(image.height)}` : null;
  const exposure = [
    details.exposure_s ? `${exposureTime(details.exposure_s)} s` : null,
    details.aperture ? `f/${details.aperture}` : null,
    details.focal_length_mm ? `${details.focal_length_mm} mm` : null,
    details.iso ? `ISO ${details.iso}` : null,
  ].filter((part) => part !== null);
  const coordinates =
    location && `${location.latitude.toFixed(DEGREE_DIGITS)}, ${location.longitude.toFixed(DEGREE_DIGITS)}`;
  return (
    <>
      <Facts
        facts={{
          Taken: image.taken_at && cameraTime(image.taken_at),
          Camera: image.camera,
          Lens: details.lens,
          Exposure: exposure.join(" · "),
          Location:
            coordinates &&
            (details.altitude_m ? `${coordinates}, ${number(Math.round(details.altitude_m))} m` : coordinates),
        }}
      />
      <Facts
        facts={{
          Type: typeName(image.mime_type),
          Size: [size(image.size), pixels].filter(Boolean).join(" · "),
          Folder: image.path,
          Imported: <Timestamp time={image.created_at} />,
          Import: image.job_id && <JobLink job_id={image.job_id} />,
          Source: image.source_url && (
            <a href={image.source_url} target="_blank" rel="noreferrer">
              Google Drive
            </a>
          ),
        }}
      />
      <Facts mono facts={{ "Storage key": image.storage_path, "Checksum (MD5)": image.checksum }} />
    </>
  );
}

function JobLink({ job_id }: { job_id: string }) {
  const { data: job } = useQuery(jobQuery(job_id));
  return (
    <Link to="/jobs/$jobId" params={{ jobId: job_id }}>
      {job ? jobName(job) : "View import"}
    </Link>
  );
}

/** Empty values are left out. */
function Facts({ facts, mono }: { facts: Record<string, ReactNode>; mono?: boolean }) {
  const known = Object.entries(facts).filter(([, value]) => value);
  if (known.length === 0) return null;
  return (
    <dl className={classes.group}>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={mono ? classes.mono : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Format an exposure time as photographers do: 1/250, or 1.3. */
function exposureTime(seconds: number): string {
  return seconds < 0.5 ? `1/${Math.round(1 / seconds)}` : number(Math.round(seconds * 10) / 10);
}
