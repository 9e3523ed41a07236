"""Images: pages of records, all of them, one, and its bytes."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from imageferry.catalog import images
from imageferry.catalog.images import ImageRow
from imageferry.catalog.session import Tx
from imageferry.gateway.gateway import Gateway, Here
from imageferry.gateway.schemas import Image, ImagePage, Location
from imageferry.gateway.streams import begun
from imageferry.sources.google_drive.urls import NAME as GOOGLE_DRIVE
from imageferry.stores.urls import object_url

PER_PAGE_MAX = 200
PAGES_MAX = 10_000_000
STREAM_PAGE = 500
ID_MAX = 2**63 - 1  # of a database's integers

ImageId = Annotated[int, Path(ge=1, le=ID_MAX)]

router = APIRouter(prefix="/images", tags=["images"])
_RECORDS = TypeAdapter(list[Image])


@router.get("")
async def list_images(
    request: Request,
    gateway: Here,
    page: Annotated[int, Query(ge=1, le=PAGES_MAX)] = 1,
    per_page: Annotated[int, Query(ge=1, le=PER_PAGE_MAX)] = 50,
) -> ImagePage:
    """A page of records, in the order in which their files were first stored."""

    def query(tx: Tx) -> tuple[int, list[Image]]:
        rows = images.page(tx, limit=per_page, offset=(page - 1) * per_page)
        return images.count(tx), [image(row) for row in rows]

    total, items = await gateway.read(query)
    following = request.url.include_query_params(page=page + 1, per_page=per_page)
    return ImagePage(
        items=items,
        page=page,
        per_page=per_page,
        total=total,
        pages=-(-total // per_page),
        next=f"{following.path}?{following.query}" if page * per_page < total else None,
    )


@router.get("/all", response_model=list[Image])
async def all_images(gateway: Here) -> StreamingResponse:
    """Every record, as one array of any length."""
    return StreamingResponse(await begun(_array(gateway)), media_type="application/json")


@router.get("/{image_id}")
async def get_image(image_id: ImageId, gateway: Here) -> Image:
    """One record."""
    return image(await find(image_id, gateway))


async def find(image_id: int, gateway: Gateway) -> ImageRow:
    """A record's row; 404 when there is none of this id."""
    row = await gateway.read(lambda tx: images.get(tx, image_id))
    if row is None:
        raise HTTPException(404, "There is no image of this id.")
    return row


def image(row: ImageRow) -> Image:
    """A row of the catalog as the record that is shown."""
    located = row.latitude is not None and row.longitude is not None
    return Image(
        id=row.id,
        name=row.name,
        google_drive_id=row.file_id if row.source == GOOGLE_DRIVE else None,
        source=row.source,
        folder_id=row.folder_id,
        path=row.path,
        size=row.size_bytes,
        mime_type=row.mime_type,
        storage_path=object_url(row.store, row.object_key),
        checksum=row.md5,
        width=row.width,
        height=row.height,
        taken_at=row.taken_at,
        camera=row.camera,
        location=Location(latitude=row.latitude, longitude=row.longitude) if located else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _array(gateway: Gateway) -> AsyncIterator[bytes]:
    """A JSON array, a page at a time: no transaction stays open while a client reads slowly."""
    last_id, separator = 0, b"["
    while True:
        records, last_id = await gateway.read(partial(_records_after, image_id=last_id))
        if not records:
            break
        yield separator + records
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _records_after(tx: Tx, *, image_id: int) -> tuple[bytes, int]:
    """The next records as JSON, without the brackets; made here, in the catalog's thread, to spare the event loop."""
    rows = images.after(tx, image_id=image_id, limit=STREAM_PAGE)
    last_id = rows[-1].id if rows else image_id
    return _RECORDS.dump_json([image(row) for row in rows])[1:-1], last_id
