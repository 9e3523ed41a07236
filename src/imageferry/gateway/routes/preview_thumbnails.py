"""A glimpse of a plan's samples: small pictures of files that are not imported, read from their source."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from imageferry.gateway.dependencies import Here
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX, Cursors
from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.routes.thumbnails import CODE, NEVER
from imageferry.gateway.security.rate_limits import Dear, rationed
from imageferry.model import File, Media
from imageferry.thumbnails.protocol import UnreadableError
from imageferry.thumbnails.source_thumbnails import is_small

# Only files that a preview showed can be asked for. An address stays the same for an hour: browsers keep it so long.
HOUR_S = 3600
_LIST = "samples"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The thumbnail.", "content": {"image/webp": {}}},
    404: {"description": "No preview gave this out lately, or (code `thumbnail_failed`) none can be made of the file."},
    429: {"description": "The client asks for more than are made: again after Retry-After seconds."},
}

router = APIRouter(prefix="/import", tags=["imports"])


def thumbnail_url(file: File, *, source: str, cursors: Cursors) -> str | None:
    """Where a file's thumbnail is had for an hour or two; None when none is made of it."""
    if not is_small(file) or file.mime_type in NEVER:
        return None
    until_h = int(time.time()) // HOUR_S + 2
    told = (file.id, file.mime_type, file.size_bytes, file.version or file.md5, file.resource_key, _rotation(file))
    return f"/api/import/preview/thumbnail?of={cursors.give(_LIST, [until_h, source, *told])}"


@router.get(
    "/preview/thumbnail",
    response_class=Response,
    responses=_RESPONSES,
    dependencies=[Depends(rationed(Dear.GLIMPSE))],
)
async def preview_thumbnail(
    of: Annotated[str, Query(max_length=CURSOR_LENGTH_MAX, description="As a sample's `thumbnail_url` has it.")],
    gateway: Here,
) -> Response:
    """A file that a preview showed, as WebP of at most 256 pixels: read from its source and kept for a while."""
    told = gateway.cursors.known(_LIST, of)
    if told is None or told[0] * HOUR_S < time.time():
        raise HTTPException(404, "No preview gave this out lately: ask for the preview again.")
    _, source, file_id, mime_type, size_bytes, version, resource_key, rotation = told
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
        body = await gateway.glimpses.get(file, source=gateway.ferry.sources[source])
    except UnreadableError:
        return refusal(404, "No thumbnail can be made of this file.", code=CODE)
    return Response(body, headers={"Cache-Control": f"private, max-age={HOUR_S}"}, media_type="image/webp")


def _rotation(file: File) -> int | None:
    return None if file.media is None else file.media.rotation
