/// One image of the grid.
import { IconCheck, IconTrash } from "@tabler/icons-react";
import { memo, useState } from "react";
import type { Image } from "@/api/index.ts";
import { cameraTime, typeName } from "@/shell/format.ts";
import { contentUrl, thumbnailUrl } from "../imageUrls.ts";
import { placeholderUrl } from "./placeholder.ts";
import classes from "./Tile.module.css";

// SVG has no thumbnails. Shown in an <img>, it runs no scripts.
const SVG = "image/svg+xml";

/** Stop loading when the tile leaves the document: browsers would finish the download and keep the image. */
const cancelOnUnmount = (image: HTMLImageElement) => (): void => image.removeAttribute("src");

export interface TileProps {
  image: Image;
  /** Index in the gallery. */
  index: number;
  width: number;
  height: number;
  isSelected: boolean;
  /** Whether anything is selected, so that a click selects. */
  isSelecting: boolean;
  isDeleting: boolean;
  isTabStop: boolean;
}

export const Tile = memo(function Tile({
  image,
  index,
  width,
  height,
  isSelected,
  isSelecting,
  isDeleting,
  isTabStop,
}: TileProps) {
  const [state, setState] = useState<"loading" | "shown" | "failed">(
    image.thumbnail === "failed" && image.mime_type !== SVG ? "failed" : "loading",
  );
  const placeholder = image.placeholder ? placeholderUrl(image.placeholder) : null;
  const taken = image.taken_at ? `, ${cameraTime(image.taken_at)}` : "";
  return (
    <div
      role="gridcell"
      className={classes.tile}
      style={{ width, height }}
      data-index={index}
      data-id={image.id}
      data-selected={isSelected || undefined}
      data-selecting={isSelecting || undefined}
      data-deleting={isDeleting || undefined}
      aria-selected={isSelected}
      aria-label={`${image.name}${taken}${isDeleting ? ", being deleted" : ""}`}
      tabIndex={isTabStop ? 0 : -1}
    >
      <div
        className={classes.image}
        style={placeholder && state !== "failed" ? { backgroundImage: `url(${placeholder})` } : undefined}
      >
        {state === "failed" ? (
          <span className={classes.type}>
            {typeName(image.mime_type)}
            <small>{image.name}</small>
          </span>
        ) : (
          <img
            ref={cancelOnUnmount}
            src={image.mime_type === SVG ? contentUrl(image) : thumbnailUrl(image, Math.max(width, height))}
            alt=""
            draggable={false}
            decoding="async"
            data-shown={state === "shown" || undefined}
            onLoad={() => setState("shown")}
            onError={() => setState("failed")}
          />
        )}
      </div>
      <span className={classes.checkbox} data-checkbox aria-hidden>
        {isDeleting ? <IconTrash size={15} /> : <IconCheck size={15} stroke={3} />}
      </span>
    </div>
  );
});
