"""Splits a listing into its entries, whatever they contain, so that one that can't be decoded costs only itself."""

import json
import re

# A page of 1,000 ordinary entries has a megabyte.
SPLIT_BYTES_MAX = 4 << 20

_NEXT_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}])', re.DOTALL)
_ENTRY_DEPTH = 3  # {"files": [{


def split_entries(listing: bytes) -> tuple[bytes, list[bytes]]:
    """Return a listing with each entry replaced by `[index]`, and the entries.

    Reads only strings and brackets, once, of the first SPLIT_BYTES_MAX bytes. So an entry may have any depth, NaN, lone
    surrogates or invalid UTF-8.
    """
    rest = bytearray()
    entries: list[bytes] = []
    depth = at = copied = start = 0
    # Not `finditer`: where nothing matches any more, it would look again from each byte on.
    while bracket := _NEXT_BRACKET.match(listing, at, SPLIT_BYTES_MAX):
        at = bracket.end()
        if bracket[1] in b"[{":
            depth += 1
            if depth == _ENTRY_DEPTH:
                start = bracket.start(1)
        else:
            if depth == _ENTRY_DEPTH:
                rest += b"%b[%d]" % (listing[copied:start], len(entries))
                copied = at
                entries.append(listing[start:at])
            depth -= 1
    return bytes(rest + listing[copied:]), entries


def repair(entry: bytes) -> bytes:
    """Return an entry as valid JSON: what isn't Unicode becomes U+FFFD, and NaN and infinities null.

    Raises ValueError or RecursionError.
    """
    values = json.loads(entry.decode(errors="replace"), strict=False, parse_constant=lambda _: None)
    return _as_unicode(json.dumps(values, ensure_ascii=False)).encode()


def find_text(entry: bytes, name: bytes) -> str:
    """Return a field of an entry that need not be JSON; "" if it isn't known or isn't a text."""
    match = re.search(rb'"%b"\s*+:\s*+("(?:[^"\\]++|\\.)*+")' % name, entry, re.DOTALL)
    try:
        return _as_unicode(json.loads(match[1].decode(errors="replace"), strict=False)) if match else ""
    except ValueError:
        return ""


def _as_unicode(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a lone surrogate is no UTF-16
