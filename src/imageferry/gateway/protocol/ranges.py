"""Range requests (RFC 9110, section 14) and conditional requests by ETag (section 13)."""

import re
from collections.abc import Mapping
from hashlib import md5

from fastapi import Request, Response

_SINGLE_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.IGNORECASE)


class UnsatisfiableError(Exception):
    """The requested range contains no byte of the body."""


def requested_range(headers: Mapping[str, str], *, size_bytes: int, etag: str) -> range | None:
    """Return the byte range that `Range` requests; None for the whole body.

    A header with several ranges, a malformed one, and one that refers to an older version (`If-Range`) request the
    whole body, as the standard allows. Raises UnsatisfiableError.
    """
    match = _SINGLE_RANGE.fullmatch(headers.get("range", ""))
    if match is None or headers.get("if-range", etag).strip() != etag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:  # a suffix range: the last bytes of the body
        byte_range = range(max(0, size_bytes - int(last)), size_bytes)
    else:
        if last and int(last) < int(first):
            return None
        byte_range = range(int(first), min(int(last) + 1, size_bytes) if last else size_bytes)
    if not byte_range:
        raise UnsatisfiableError
    return byte_range


def is_cached(headers: Mapping[str, str], *, etag: str) -> bool:
    """Return whether the client has this version already, according to `If-None-Match`."""
    tags = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
    return etag in tags or "*" in tags


def json_unless_cached(request: Request, body: bytes, *, headers: Mapping[str, str]) -> Response:
    """Return a JSON response with an ETag of its body, or 304 when the client has that body already."""
    etag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
    cache_headers = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if is_cached(request.headers, etag=etag):
        return Response(status_code=304, headers=cache_headers)
    return Response(body, headers=cache_headers, media_type="application/json")
