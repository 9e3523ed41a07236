"""Many images as one ZIP, made while it is sent."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse
from zipstream import ZipStream

from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.errors import ImageferryError
from imageferry.gateway.dependencies import Gateway, Here
from imageferry.gateway.schemas.images import Archive, Ids
from imageferry.gateway.security.rate_limits import Dear, rationed
from imageferry.stores.keys import safe_name
from imageferry.stores.store import Store

# Of one object, held for each client however slowly it reads.
CHUNK_BYTES = 256 * 1024
LEFT_OUT = "left out.txt"

router = APIRouter(prefix="/images", tags=["images"], dependencies=[Depends(rationed(Dear.ARCHIVE))])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A ZIP of the originals, not compressed.", "content": {"application/zip": {}}},
    404: {"description": "None of these images is there any more."},
}


@router.post("/archive", response_class=StreamingResponse, responses=_RESPONSES)
async def image_archive(asked: Archive, gateway: Here) -> StreamingResponse:
    """The originals of these images as one ZIP, in their folders; its length is not known before its end.

    What is gone or cannot be read is told in a file of the ZIP, `left out.txt`.
    """
    return await _archive(asked.ids, gateway)


@router.get("/archive", response_class=StreamingResponse, responses=_RESPONSES)
async def image_archive_link(
    id: Annotated[Ids, Query(description="An image's `id`; again for another.")],  # noqa: A002 - as addresses have it
    gateway: Here,
) -> StreamingResponse:
    """The same by an address alone: a browser saves it while it comes, however large it is."""
    return await _archive(id, gateway)


async def _archive(asked: Sequence[int], gateway: Gateway) -> StreamingResponse:
    ids = list(dict.fromkeys(asked))
    rows = await gateway.read(lambda tx: records.some(tx, ids))
    if not rows:
        raise HTTPException(404, "None of these images is there any more.")
    known = {row.id for row in rows}
    gone = [f"Image {image_id}: it is not there any more." for image_id in ids if image_id not in known]
    return StreamingResponse(
        zipped(rows, store=gateway.ferry.store, left_out=gone),
        headers={"Content-Disposition": 'attachment; filename="images.zip"'},
        media_type="application/zip",
    )


async def zipped(
    rows: Sequence[ImageRow], *, store: Store, left_out: Sequence[str] = ()
) -> AsyncGenerator[bytes, None]:
    """A ZIP of images' objects, a chunk at a time; `left_out` is told in it, with what cannot be read."""
    archive, told = ZipStream(), list(left_out)
    for row, name in zip(rows, _names(rows), strict=True):
        try:
            if row.store != store.url:
                told.append(f"{name}: it stands in another store, {row.store}.")
                continue
            async with aclosing(store.read(row.object_key, chunk_bytes=CHUNK_BYTES)) as chunks:
                first = await anext(chunks, b"")
                async for piece in _member(archive, name, first=first, rest=chunks):
                    yield piece
        except ImageferryError as exc:
            told.append(f"{name}: {exc.message}")
    if told:
        archive.add("\r\n".join(told), LEFT_OUT)
    for piece in archive.finalize():
        yield piece


async def _member(archive: ZipStream, name: str, *, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting: list[bytes | None] = [first]

    def fed() -> Iterator[bytes]:
        while (chunk := waiting.pop()) is not None:
            yield chunk

    archive.add(fed(), name)
    pieces = archive.file()
    # What comes out before a chunk is taken is the file's heading; one chunk in is one out.
    while waiting:
        yield next(pieces)
    async for chunk in rest:
        waiting.append(chunk)
        yield next(pieces)
    waiting.append(None)
    for piece in pieces:
        yield piece


def _names(rows: Sequence[ImageRow]) -> Iterator[str]:
    """Names that are safe on any system, each once, whatever the case of its letters."""
    taken = {LEFT_OUT}
    for row in rows:
        folders = [safe_name(folder) for folder in row.path.split("/") if folder]
        plain = PurePosixPath(*folders, safe_name(row.name))
        name, number = plain, 1
        while str(name).casefold() in taken:
            number += 1
            name = plain.with_name(f"{plain.stem} ({number}){plain.suffix}")
        taken.add(str(name).casefold())
        yield str(name)
