/// What stands in a picture's place until it has come: a blur of itself.
import { thumbHashToDataURL } from "thumbhash";

const KEPT_MAX = 1000;
const kept = new Map<string, string>();

/** A thumbhash, in base64, as an image's URL; null when it is none. */
export function blur(hash: string): string | null {
  const known = kept.get(hash);
  if (known !== undefined) return known;
  const url = decoded(hash);
  if (url === null) return null;
  const [oldest] = kept.keys();
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  kept.set(hash, url);
  return url;
}

function decoded(hash: string): string | null {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0)));
  } catch {
    return null;
  }
}
