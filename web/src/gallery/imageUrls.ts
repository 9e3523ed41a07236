/// URLs of an image's thumbnails and content.
import type { Image } from "@/api/index.ts";

// The thumbnail widths that the API offers.
const WIDTHS = [256, 512, 1024, 2048];
// Slightly too few pixels are not noticed, and save a thumbnail of four times the size.
const SHARPNESS = 0.85;
const DENSITY_MAX = 2;

/** Return the smallest thumbnail that looks sharp when its longer side is `side_px` CSS pixels. */
export function thumbnailUrl(image: Pick<Image, "id">, side_px: number): string {
  const width_px = side_px * Math.min(window.devicePixelRatio || 1, DENSITY_MAX) * SHARPNESS;
  return `/api/images/${image.id}/thumbnail?w=${WIDTHS.find((width) => width >= width_px) ?? WIDTHS.at(-1)}`;
}

export const contentUrl = (image: Pick<Image, "id">): string => `/api/images/${image.id}/content`;
