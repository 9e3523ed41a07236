"""Thumbnails of a preview's sample files: not imported, but read from their source."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from imageferry.gateway.dependencies import GatewayDep, rate_limited
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX, CursorCodec
from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.routes.thumbnails import FAILED_CODE, UNSUPPORTED_TYPES
from imageferry.gateway.security.rate_limits import LimitedAction
from imageferry.model import File, Media
from imageferry.thumbnails.protocol import UnreadableError
from imageferry.thumbnails.source_thumbnails import is_small_enough

# Only files that a preview showed can be requested. A file's URL is the same for an hour, as long as browsers cache it.
HOUR_S = 3600
_SIGNED_LIST = "samples"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
    404: {"description": "The URL is invalid or has expired, or (code `thumbnail_failed`) the file can't be rendered."},
    429: {"description": "Too many requests: try again after Retry-After seconds."},
}

router = APIRouter(prefix="/import", tags=["imports"])


def thumbnail_url(file: File, *, source: str, cursors: CursorCodec) -> str | None:
    """Return the URL of a file's thumbnail, valid for one to two hours; None when it can't have one."""
    if not is_small_enough(file) or file.mime_type in UNSUPPORTED_TYPES:
        return None
    valid_until_h = int(time.time()) // HOUR_S + 2
    fields = (file.id, file.mime_type, file.size_bytes, file.version or file.md5, file.resource_key, _rotation(file))
    return f"/api/import/preview/thumbnail?file={cursors.encode(_SIGNED_LIST, [valid_until_h, source, *fields])}"


@router.get(
    "/preview/thumbnail",
    summary="Get a preview thumbnail",
    response_class=Response,
    responses=_RESPONSES,
    dependencies=[Depends(rate_limited(LimitedAction.PREVIEW_THUMBNAIL))],
)
async def preview_thumbnail(
    signed_file: Annotated[
        str,
        Query(alias="file", max_length=CURSOR_LENGTH_MAX, description="The value in a sample's `thumbnail_url`."),
    ],
    gateway: GatewayDep,
) -> Response:
    """Return a preview's file as WebP, at most 256 pixels wide. It is read from its source and cached in memory."""
    fields = gateway.cursors.try_decode(_SIGNED_LIST, signed_file)
    if fields is None or fields[0] * HOUR_S < time.time():
        raise HTTPException(404, "This thumbnail URL has expired or is invalid. Request the preview again.")
    _, source, file_id, mime_type, size_bytes, version, resource_key, rotation = fields
    file = File(
        id=file_id,
        name="",
        mime_type=mime_type,
        size_bytes=size_bytes,
        version=version,
        resource_key=resource_key,
        media=Media(rotation=rotation),
    )
    try:
        body = await gateway.source_thumbnails.get(file, source=gateway.components.sources[source])
    except UnreadableError:
        return problem_response(404, "No thumbnail can be made of this file.", code=FAILED_CODE)
    return Response(body, headers={"Cache-Control": f"private, max-age={HOUR_S}"}, media_type="image/webp")


def _rotation(file: File) -> int | None:
    return None if file.media is None else file.media.rotation
