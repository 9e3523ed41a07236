"""An image's bytes, as the store holds them, made harmless to the gateway's own origin."""

import re
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from imageferry.catalog.images import ImageRow
from imageferry.gateway.gateway import Here
from imageferry.gateway.images import ImageId, find
from imageferry.gateway.streams import begun

# A script in an SVG, opened as a page of its own, runs nowhere and in no origin of ours.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_IMAGE_TYPE = re.compile(r"image/[a-z0-9][a-z0-9.+-]*")
_NAME_LENGTH_MAX = 200

router = APIRouter(prefix="/images", tags=["images"])


@router.get(
    "/{image_id}/content",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}}, 304: {"description": "The caller has these bytes already."}},
)
async def image_content(image_id: ImageId, request: Request, gateway: Here) -> Response:
    """The image's bytes."""
    row = await find(image_id, gateway)
    store = gateway.ferry.store
    if row.store != store.url:
        raise HTTPException(404, f"This image stands in another store, {row.store}, which this gateway does not open.")
    headers = _headers(row)
    if headers["ETag"] in _tags(request):
        return Response(status_code=304, headers=headers)
    standing = await store.head(row.object_key)
    if standing is None:
        raise HTTPException(404, "The image's object is not in the store any more.")
    headers["Content-Length"] = str(standing.size_bytes)
    return StreamingResponse(await begun(store.read(row.object_key)), headers=headers, media_type=_type(row))


def _headers(row: ImageRow) -> dict[str, str]:
    shown = "inline" if _type(row).startswith("image/") else "attachment"
    name = quote(row.name[:_NAME_LENGTH_MAX], safe="", errors="replace")
    return {
        "ETag": f'"{row.md5}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
        "Content-Security-Policy": POLICY,
    }


def _type(row: ImageRow) -> str:
    # What the source claims may be anything, a web page among it.
    return row.mime_type if _IMAGE_TYPE.fullmatch(row.mime_type) else "application/octet-stream"


def _tags(request: Request) -> set[str]:
    listed = request.headers.get("if-none-match", "")
    return {tag.strip().removeprefix("W/") for tag in listed.split(",")}
