/// One picture of the gallery.
import { IconCheck, IconTrash } from "@tabler/icons-react";
import { memo, useState } from "react";
import type { Image } from "@/api/index.ts";
import { cameraTime, typeName } from "@/shell/wording.ts";
import classes from "./Tile.module.css";
import { content, thumbnail } from "./addresses.ts";
import { blur } from "./placeholder.ts";

// It has no pixels to make a thumbnail of, and as an image it runs nothing.
const SVG = "image/svg+xml";

/** A picture that leaves the page is not waited for: else browsers load it, and keep it, until it has come. */
const untilGone = (image: HTMLImageElement) => (): void => image.removeAttribute("src");

export interface TileProps {
  image: Image;
  /** Its place in the whole gallery. */
  index: number;
  width: number;
  height: number;
  selected: boolean;
  /** Something is selected: a click selects too. */
  choosing: boolean;
  leaving: boolean;
  focusable: boolean;
}

export const Tile = memo(function Tile({
  image,
  index,
  width,
  height,
  selected,
  choosing,
  leaving,
  focusable,
}: TileProps) {
  const [state, setState] = useState<"coming" | "shown" | "failed">(
    image.thumbnail === "failed" && image.mime_type !== SVG ? "failed" : "coming",
  );
  const hash = image.placeholder ? blur(image.placeholder) : null;
  const taken = image.taken_at ? `, ${cameraTime(image.taken_at)}` : "";
  return (
    <div
      role="gridcell"
      className={classes.tile}
      style={{ width, height }}
      data-index={index}
      data-id={image.id}
      data-selected={selected || undefined}
      data-choosing={choosing || undefined}
      data-leaving={leaving || undefined}
      aria-selected={selected}
      aria-label={`${image.name}${taken}${leaving ? ", being deleted" : ""}`}
      tabIndex={focusable ? 0 : -1}
    >
      <div
        className={classes.picture}
        style={hash && state !== "failed" ? { backgroundImage: `url(${hash})` } : undefined}
      >
        {state === "failed" ? (
          <span className={classes.type}>
            {typeName(image.mime_type)}
            <small>{image.name}</small>
          </span>
        ) : (
          <img
            ref={untilGone}
            src={image.mime_type === SVG ? content(image) : thumbnail(image, Math.max(width, height))}
            alt=""
            draggable={false}
            decoding="async"
            data-shown={state === "shown" || undefined}
            onLoad={() => setState("shown")}
            onError={() => setState("failed")}
          />
        )}
      </div>
      <span className={classes.mark} data-mark aria-hidden>
        {leaving ? <IconTrash size={15} /> : <IconCheck size={15} stroke={3} />}
      </span>
    </div>
  );
});
