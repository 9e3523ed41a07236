"""An image's bytes, as the store holds them, made harmless to the gateway's own origin."""

import re
from contextlib import ExitStack
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from imageferry.catalog.images.records import ImageRow
from imageferry.gateway.dependencies import Gateway, Here
from imageferry.gateway.presenters.images import ImageId, find
from imageferry.gateway.protocol.ranges import UnsatisfiableError, asked_span, knows
from imageferry.gateway.protocol.stream_slots import SeatedResponse
from imageferry.gateway.protocol.streaming import begun
from imageferry.gateway.security.rate_limiter import client_of

# A script in an SVG, opened as a page of its own, runs nowhere and in no origin of ours.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SIGNED_URL_S = 300
# Of a body, held for each client however slowly it reads.
CHUNK_BYTES = 64 * 1024
_IMAGE_TYPE = re.compile(r"image/[a-z0-9][a-z0-9.+-]*")
_NAME_LENGTH_MAX = 200

router = APIRouter(prefix="/images", tags=["images"])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "All of it.", "content": {"image/*": {}}},
    206: {"description": "The bytes that Range asked for.", "content": {"image/*": {}}},
    304: {"description": "The caller has these bytes already."},
    307: {"description": "Where the store itself gives them, for five minutes."},
    416: {"description": "The image has no byte in that range."},
}


@router.head("/{image_id}/content", include_in_schema=False)
@router.get("/{image_id}/content", response_class=Response, responses=_RESPONSES)
async def image_content(
    image_id: ImageId,
    request: Request,
    gateway: Here,
    *,
    download: Annotated[bool, Query(description="As a file to save.")] = False,
    redirect: Annotated[
        bool, Query(description="By a signed URL of the store, where it signs any: the bytes pass us by.")
    ] = False,
) -> Response:
    """The image's bytes, or one range of them."""
    row = await find_here(image_id, gateway)
    store = gateway.ferry.store
    headers = _headers(row, download=download)
    if knows(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if redirect and (url := await store.signed_url(row.object_key, lasts_s=SIGNED_URL_S)):
        return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})
    standing = await store.head(row.object_key)
    if standing is None:
        raise HTTPException(404, "The image's object is not in the store any more.")
    size_bytes = standing.size_bytes
    try:
        span = asked_span(request.headers, size_bytes=size_bytes, etag=headers["ETag"])
    except UnsatisfiableError as exc:
        message = f"The image has {size_bytes:,} bytes, and none in that range."
        raise HTTPException(416, message, headers={"Content-Range": f"bytes */{size_bytes}"}) from exc
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size_bytes}"
    headers["Content-Length"] = str(size_bytes if span is None else len(span))
    status = 200 if span is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=_type(row))
    with ExitStack() as seat:
        seat.enter_context(gateway.seats.one(client_of(request.scope)))
        body = await begun(store.read(row.object_key, span=span, chunk_bytes=CHUNK_BYTES))
        return SeatedResponse(body, status, headers=headers, media_type=_type(row), seat=seat.pop_all())


async def find_here(image_id: int, gateway: Gateway) -> ImageRow:
    """The row of an image whose object stands in this gateway's store; 404 when there is none."""
    row = await find(image_id, gateway)
    if row.store != gateway.ferry.store.url:
        raise HTTPException(404, f"This image stands in another store, {row.store}, which this gateway does not open.")
    return row


def _headers(row: ImageRow, *, download: bool) -> dict[str, str]:
    shown = "inline" if _type(row).startswith("image/") and not download else "attachment"
    name = quote(row.name[:_NAME_LENGTH_MAX], safe="", errors="replace")
    return {
        "ETag": f'"{row.md5}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
        "Content-Security-Policy": POLICY,
    }


def _type(row: ImageRow) -> str:
    # What the source claims may be anything, a web page among it.
    return row.mime_type if _IMAGE_TYPE.fullmatch(row.mime_type) else "application/octet-stream"
