"""Downloads of many images as one ZIP, created while it is sent."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from zipstream import ZipStream

from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.errors import ImageferryError
from imageferry.gateway.dependencies import Gateway, GatewayDep, rate_limited
from imageferry.gateway.presenters.archive_names import MISSING_NAME, ArchiveNames
from imageferry.gateway.schemas.images import ArchiveRequest, Ids
from imageferry.gateway.security.rate_limits import LimitedAction
from imageferry.gateway.security.stream_slots import StreamKind
from imageferry.stores.store import Store

# Of one object; each client holds one chunk in memory, however slowly it reads.
CHUNK_BYTES = 256 * 1024

router = APIRouter(prefix="/images", tags=["images"], dependencies=[Depends(rate_limited(LimitedAction.ARCHIVE))])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A ZIP of the original files, uncompressed.", "content": {"application/zip": {}}},
    404: {"description": "None of these images exist."},
}


@router.post("/archive", response_class=StreamingResponse, responses=_RESPONSES)
async def download_images(archive_request: ArchiveRequest, request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Download the original files of these images as one ZIP, in their folders.

    The length isn't known in advance. Images that no longer exist or can't be read are listed in the file
    `missing images.txt` in the ZIP.
    """
    return await _zip_response(archive_request.ids, request, gateway)


@router.get("/archive", response_class=StreamingResponse, responses=_RESPONSES)
async def download_images_by_link(
    id: Annotated[Ids, Query(description="An image's `id`. Repeat it for more images.")],  # noqa: A002 - its name in the URL
    request: Request,
    gateway: GatewayDep,
) -> StreamingResponse:
    """Download images as with POST, by a plain link that a browser can save to disk while it downloads."""
    return await _zip_response(id, request, gateway)


async def _zip_response(requested_ids: Sequence[int], request: Request, gateway: Gateway) -> StreamingResponse:
    ids = list(dict.fromkeys(requested_ids))
    rows = await gateway.read(lambda tx: records.by_ids(tx, ids))
    if not rows:
        raise HTTPException(404, "None of these images exist.")
    existing_ids = {row.id for row in rows}
    missing = [f"Image {image_id}: it no longer exists." for image_id in ids if image_id not in existing_ids]
    return await gateway.stream_slots.respond(
        StreamKind.ARCHIVE,
        request.scope,
        zip_images(rows, store=gateway.components.store, missing=missing),
        headers={"Content-Disposition": 'attachment; filename="images.zip"'},
        media_type="application/zip",
    )


async def zip_images(
    rows: Sequence[ImageRow], *, store: Store, missing: Sequence[str] = ()
) -> AsyncGenerator[bytes, None]:
    """Yield a ZIP of the images' objects in chunks.

    Its file `missing images.txt` has the lines of `missing`, and one for each image that can't be read.
    """
    archive, names, missing_lines = ZipStream(), ArchiveNames(), list(missing)
    for row in rows:
        name = names.add(row.name, folder=row.path)
        try:
            if row.store != store.url:
                missing_lines.append(f"{name}: it is in a different storage, {row.store}.")
                continue
            async with aclosing(store.read(row.object_key, chunk_bytes=CHUNK_BYTES)) as chunks:
                first = await anext(chunks, b"")
                async for piece in _zip_member(archive, name, first=first, rest=chunks):
                    yield piece
        except ImageferryError as exc:
            missing_lines.append(f"{name}: {exc.message}")
    if missing_lines:
        archive.add("\r\n".join(missing_lines), MISSING_NAME)
    for piece in archive.finalize():
        yield piece


async def _zip_member(
    archive: ZipStream, name: str, *, first: bytes, rest: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    pending: list[bytes | None] = [first]

    def content() -> Iterator[bytes]:
        while (chunk := pending.pop()) is not None:
            yield chunk

    archive.add(content(), name)
    pieces = archive.file()
    # The pieces before a chunk is consumed are the file's header. After that, each chunk yields one piece.
    while pending:
        yield next(pieces)
    async for chunk in rest:
        pending.append(chunk)
        yield next(pieces)
    pending.append(None)
    for piece in pieces:
        yield piece
