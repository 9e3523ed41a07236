"""Thumbnails of images."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers

from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.images.thumbnails import FAILED, READY
from imageferry.gateway.dependencies import GatewayDep
from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.protocol.ranges import is_cached
from imageferry.gateway.routes.image_content import find_openable_image
from imageferry.gateway.routes.images import ImageId
from imageferry.gateway.security.rate_limits import LimitedAction
from imageferry.thumbnails.protocol import UnreadableError
from imageferry.thumbnails.thumbnails import StoredImage, width_at_least

WIDTH_MAX = 10_000
FAILED_CODE = "thumbnail_failed"
# The bytes at a URL with width and version never change: other bytes have another `v`.
_CACHE_CONTROL = "private, max-age=31536000, immutable"
# SVGs are never rendered: an SVG is a program, and may run forever.
UNSUPPORTED_TYPES = frozenset({"image/svg+xml"})
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
    304: {"description": "The client already has this version."},
    404: {"description": "The image doesn't exist, or (code `thumbnail_failed`) it can't be rendered."},
    429: {"description": "Too many requests: try again after Retry-After seconds."},
}

router = APIRouter(prefix="/images", tags=["images"])


@router.head("/{image_id}/thumbnail", include_in_schema=False)
@router.get("/{image_id}/thumbnail", summary="Get an image's thumbnail", response_class=Response, responses=_RESPONSES)
async def image_thumbnail(
    image_id: ImageId,
    request: Request,
    gateway: GatewayDep,
    w: Annotated[
        int,
        Query(ge=1, le=WIDTH_MAX, description="The width in pixels; rounded up to 256, 512, 1024 or 2048."),
    ] = 512,
    v: Annotated[  # noqa: ARG001 - only browser caches use it
        str, Query(max_length=64, description="Any text that changes with the image's content, for browser caches.")
    ] = "",
) -> Response:
    """Return an image as WebP, upright, in sRGB, at most `w` pixels wide and twice as high, and never enlarged.

    Of an animation it is the first frame. Thumbnails are rendered on the first request and kept in the store.
    """
    row = await find_openable_image(image_id, gateway)
    width = width_at_least(w)
    headers = {"ETag": f'"{row.md5}-{width}"', "Cache-Control": _CACHE_CONTROL}
    if row.thumbnail == FAILED or row.mime_type in UNSUPPORTED_TYPES:
        return _failed()
    if is_cached(Headers(scope=request.scope), etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if row.thumbnail is None:
        gateway.rate_limits.check(LimitedAction.THUMBNAIL, request.scope)
    try:
        body = await gateway.thumbnails.get(_stored_image(row), width=width)
    except UnreadableError:
        return _failed()
    return Response(body, headers=headers, media_type="image/webp")


def _failed() -> Response:
    return problem_response(404, "No thumbnail can be made of this image.", code=FAILED_CODE)


def _stored_image(row: ImageRow) -> StoredImage:
    return StoredImage(
        image_id=row.id,
        object_key=row.object_key,
        md5=row.md5,
        size_bytes=row.size_bytes,
        mime_type=row.mime_type,
        rotation=(row.media or {}).get("rotation") or 0,
        may_exist=row.thumbnail == READY,
    )
