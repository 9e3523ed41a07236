/// Where a picture's bytes are.
import type { Image } from "@/api/index.ts";

// The widths that the gateway makes thumbnails of.
const WIDTHS = [256, 512, 1024, 2048];
// A little less than sharp is not seen, and spares a thumbnail four times as large.
const NEARLY = 0.85;
const DENSITY_MAX = 2;

/** The smallest thumbnail that looks sharp at this many CSS pixels, across its longer side. */
export function thumbnail(image: Pick<Image, "id">, side_px: number): string {
  const wanted = side_px * Math.min(window.devicePixelRatio || 1, DENSITY_MAX) * NEARLY;
  return `/api/images/${image.id}/thumbnail?w=${WIDTHS.find((width) => width >= wanted) ?? WIDTHS.at(-1)}`;
}

export const content = (image: Pick<Image, "id">): string => `/api/images/${image.id}/content`;
