/// Blurred placeholders, shown until an image has loaded.
import { thumbHashToDataURL } from "thumbhash";

const CACHE_MAX = 1000;
const cache = new Map<string, string>();

/** Return the data URL of a base64 ThumbHash; null when it is invalid. */
export function placeholderUrl(hash: string): string | null {
  const cached = cache.get(hash);
  if (cached !== undefined) return cached;
  const url = decode(hash);
  if (url === null) return null;
  const [oldest] = cache.keys();
  if (cache.size >= CACHE_MAX && oldest !== undefined) cache.delete(oldest);
  cache.set(hash, url);
  return url;
}

function decode(hash: string): string | null {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
