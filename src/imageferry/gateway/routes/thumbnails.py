"""An image made small, for galleries."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers

from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.images.thumbnails import FAILED, READY
from imageferry.gateway.dependencies import Here
from imageferry.gateway.presenters.images import ImageId
from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.protocol.ranges import knows
from imageferry.gateway.routes.image_content import find_here
from imageferry.gateway.security.rate_limits import Dear, rationed
from imageferry.thumbnails.protocol import UnreadableError
from imageferry.thumbnails.thumbnails import Picture, width_at_least

WIDTH_MAX = 10_000
CODE = "thumbnail_failed"
# An address with a width is of these bytes for good: other bytes have another tag, and get another `v`.
_CACHE = "private, max-age=31536000, immutable"
# Never drawn here: a drawing is a program, and may be one that takes for ever.
NEVER = frozenset({"image/svg+xml"})
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
    304: {"description": "The caller has it already."},
    404: {"description": "There is no such image, or (code `thumbnail_failed`) none can be made of it."},
    429: {"description": "The client asks for more than are made: again after Retry-After seconds."},
}

router = APIRouter(prefix="/images", tags=["images"])


@router.head("/{image_id}/thumbnail", include_in_schema=False)
@router.get("/{image_id}/thumbnail", response_class=Response, responses=_RESPONSES)
async def image_thumbnail(
    image_id: ImageId,
    request: Request,
    gateway: Here,
    w: Annotated[
        int,
        Query(ge=1, le=WIDTH_MAX, description="Pixels: 256, 512, 1024 or 2048; others are rounded up to one of these."),
    ] = 512,
    v: Annotated[str, Query(max_length=64, description="Any word: another for each version of the image.")] = "",  # noqa: ARG001 - browsers' caches look at it
) -> Response:
    """The image upright, in sRGB, at most so wide and twice that high; never enlarged. Of animations the first frame.

    Made when it is first asked for, and kept in the store.
    """
    row = await find_here(image_id, gateway)
    width = width_at_least(w)
    headers = {"ETag": f'"{row.md5}-{width}"', "Cache-Control": _CACHE}
    if row.thumbnail == FAILED or row.mime_type in NEVER:
        return _failed()
    if knows(Headers(scope=request.scope), etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if row.thumbnail is None:
        rationed(Dear.THUMBNAIL)(request)
    try:
        body = await gateway.thumbnails.get(_picture(row), width=width)
    except UnreadableError:
        return _failed()
    return Response(body, headers=headers, media_type="image/webp")


def _failed() -> Response:
    return refusal(404, "No thumbnail can be made of this image.", code=CODE)


def _picture(row: ImageRow) -> Picture:
    return Picture(
        image_id=row.id,
        object_key=row.object_key,
        md5=row.md5,
        size_bytes=row.size_bytes,
        mime_type=row.mime_type,
        rotation=(row.media or {}).get("rotation") or 0,
        made_before=row.thumbnail == READY,
    )
