"""Answers that are not sent again to whoever has them already."""

from collections.abc import Mapping
from hashlib import md5

from fastapi import Request, Response

from imageferry.gateway.ranges import knows


def answer_unless_known(request: Request, body: bytes, *, headers: Mapping[str, str]) -> Response:
    """JSON with an ETag of what it says, or 304."""
    tag = f'"{md5(body, usedforsecurity=False).hexdigest()}"'
    told = {"ETag": tag, "Cache-Control": "private, no-cache", **headers}
    if knows(request.headers, etag=tag):
        return Response(status_code=304, headers=told)
    return Response(body, headers=told, media_type="application/json")
