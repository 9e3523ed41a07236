"""Range requests (RFC 9110, section 14) and conditional requests by ETag (section 13)."""

import re
from collections.abc import Mapping
from hashlib import md5

from fastapi import Request, Response

_ONE_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.IGNORECASE)


class UnsatisfiableError(Exception):
    """The range asked for holds no byte of this body."""


def asked_span(headers: Mapping[str, str], *, size_bytes: int, etag: str) -> range | None:
    """The bytes that `Range` asks for; None: all of them.

    What names several ranges, or cannot be read, or rests on an older version (`If-Range`), asks for all, as the
    standard allows. Raises UnsatisfiableError.
    """
    asked = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if asked is None or headers.get("if-range", etag).strip() != etag:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:  # the last so many
        span = range(max(0, size_bytes - int(last)), size_bytes)
    else:
        if last and int(last) < int(first):
            return None
        span = range(int(first), min(int(last) + 1, size_bytes) if last else size_bytes)
    if not span:
        raise UnsatisfiableError
    return span


def knows(headers: Mapping[str, str], *, etag: str) -> bool:
    """True: by `If-None-Match`, the caller has this version."""
    tags = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
    return etag in tags or "*" in tags


def json_unless_cached(request: Request, body: bytes, *, headers: Mapping[str, str]) -> Response:
    """Return a JSON response with an ETag of its body, or 304 when the client has that body already."""
    tag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
    caching = {"ETag": tag, "Cache-Control": "private, no-cache", **headers}
    if knows(request.headers, etag=tag):
        return Response(status_code=304, headers=caching)
    return Response(body, headers=caching, media_type="application/json")
