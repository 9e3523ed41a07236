"""An image's bytes from the store, served so that they can't run scripts in the gateway's origin."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from imageferry.catalog.images.records import ImageRow
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.protocol.ranges import UnsatisfiableError, is_cached, requested_range
from imageferry.gateway.routes.images import ImageId, find_image
from imageferry.gateway.security.stream_slots import StreamKind

# An SVG that is opened as a page runs no script and has an origin of its own.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SIGNED_URL_S = 300
# Each client holds one chunk in memory, however slowly it reads.
CHUNK_BYTES = 64 * 1024
_IMAGE_TYPE = re.compile(r"image/[a-z0-9][a-z0-9.+-]*")
_NAME_LENGTH_MAX = 200

router = APIRouter(prefix="/images", tags=["images"])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The complete content.", "content": {"image/*": {}}},
    206: {"description": "The requested range.", "content": {"image/*": {}}},
    304: {"description": "The client already has this version."},
    307: {"description": "A signed URL of the store, valid for five minutes."},
    416: {"description": "The requested range is beyond the end of the image."},
}


@router.head("/{image_id}/content", include_in_schema=False)
@router.get("/{image_id}/content", summary="Get an image's content", response_class=Response, responses=_RESPONSES)
async def image_content(
    image_id: ImageId,
    request: Request,
    gateway: GatewayDep,
    *,
    download: Annotated[bool, Query(description="Send the image as a file to save.")] = False,
    redirect: Annotated[
        bool,
        Query(description="Redirect to a signed URL of the store, if it supports them, so the store sends the bytes."),
    ] = False,
) -> Response:
    """Return an image's bytes, or one range of them."""
    row = await find_openable_image(image_id, gateway)
    store = gateway.components.store
    headers = _headers(row, download=download)
    if is_cached(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if redirect and (url := await store.signed_url(row.object_key, valid_s=SIGNED_URL_S)):
        return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})
    info = await store.head(row.object_key)
    if info is None:
        raise HTTPException(404, "The image is no longer in the storage.")
    size_bytes = info.size_bytes
    try:
        byte_range = requested_range(request.headers, size_bytes=size_bytes, etag=headers["ETag"])
    except UnsatisfiableError as exc:
        message = f"The range is beyond the end of the image, which has {size_bytes:,} bytes."
        raise HTTPException(416, message, headers={"Content-Range": f"bytes */{size_bytes}"}) from exc
    if byte_range is not None:
        headers["Content-Range"] = f"bytes {byte_range.start}-{byte_range.stop - 1}/{size_bytes}"
    headers["Content-Length"] = str(size_bytes if byte_range is None else len(byte_range))
    status = 200 if byte_range is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=_media_type(row))
    body = store.read(row.object_key, span=byte_range, chunk_bytes=CHUNK_BYTES)
    return await gateway.stream_slots.respond(
        StreamKind.IMAGE, request.scope, body, status_code=status, headers=headers, media_type=_media_type(row)
    )


async def find_openable_image(image_id: int, gateway: Gateway) -> ImageRow:
    """Return an image's record; 404 when it doesn't exist or its object is in another store than the gateway's."""
    row = await find_image(image_id, gateway)
    if row.store != gateway.components.store.url:
        raise HTTPException(404, f"The image is in a different storage, {row.store}, which this gateway doesn't use.")
    return row


def _headers(row: ImageRow, *, download: bool) -> dict[str, str]:
    disposition = "inline" if _media_type(row).startswith("image/") and not download else "attachment"
    name = quote(row.name[:_NAME_LENGTH_MAX], safe="", errors="replace")
    return {
        "ETag": f'"{row.md5}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{name}",
        "Content-Security-Policy": POLICY,
    }


def _media_type(row: ImageRow) -> str:
    # The source can claim any type, even that of a web page.
    return row.mime_type if _IMAGE_TYPE.fullmatch(row.mime_type) else "application/octet-stream"
