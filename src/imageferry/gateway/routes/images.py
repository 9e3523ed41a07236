"""Images: pages of records, all of them, and one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import Listing, Total, position
from imageferry.catalog.search.index_scan import Position
from imageferry.gateway.dependencies import Gateway, Here
from imageferry.gateway.presenters.images import ImageId, find, image, image_detail
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX, Cursors
from imageferry.gateway.protocol.ranges import json_unless_cached
from imageferry.gateway.protocol.streaming import begun
from imageferry.gateway.routes.image_filters import Order, Wanted
from imageferry.gateway.schemas.images import Image, ImageDetail, ImagePage

PER_PAGE_MAX = 1000
PER_PAGE = 50
PAGES_MAX = 10_000_000
STREAM_PAGE = 500

router = APIRouter(prefix="/images", tags=["images"])
_RECORDS = TypeAdapter(list[Image])


@router.get("", response_model=ImagePage, responses={304: {"description": "The caller has this page already."}})
async def list_images(
    request: Request,
    gateway: Here,
    wanted: Wanted,
    *,
    sort: Order = Sort.CREATED,
    page: Annotated[int | None, Query(ge=1, le=PAGES_MAX, description="Counts from 1.")] = None,
    per_page: Annotated[int, Query(ge=1, le=PER_PAGE_MAX)] = PER_PAGE,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_LENGTH_MAX, description="Of `next`; empty: from the beginning.")
    ] = None,
    limit: Annotated[
        int | None, Query(ge=1, le=PER_PAGE_MAX, description="`per_page`, for a list that is gone through by cursors.")
    ] = None,
) -> Response:
    """Some of the images, by pages or by cursors.

    A list that changes while it is gone through is whole by cursors alone: nothing that stays is left out or told
    twice. `next` goes on in the way that was begun; by cursors, a page may be short, or empty, while there is a `next`.
    """
    by_cursor = cursor is not None or limit is not None
    if by_cursor and page is not None:
        raise HTTPException(400, "Ask by page or by cursor, not by both.")
    size = limit or per_page
    if by_cursor:
        at = _position(cursor, sort, gateway.cursors) if cursor else None
        look = partial(_after, wanted=wanted, sort=sort, at=at, size=size, cursors=gateway.cursors, request=request)
    else:
        look = partial(
            _page, wanted=wanted, sort=sort, page=page or 1, size=size, cursors=gateway.cursors, request=request
        )
    shown, body = await gateway.read(look)
    links = {"next": shown.next, "prev": shown.prev}
    told = ", ".join(f'<{address}>; rel="{name}"' for name, address in links.items() if address)
    return json_unless_cached(request, body, headers={"Link": told} if told else {})


@router.get("/all", response_model=list[Image])
async def all_images(gateway: Here) -> StreamingResponse:
    """Every record, as one array of any length."""
    return StreamingResponse(await begun(_array(gateway)), media_type="application/json")


@router.get("/{image_id}")
async def get_image(image_id: ImageId, gateway: Here) -> ImageDetail:
    """One record, and what else the source tells of the picture."""
    return image_detail(await find(image_id, gateway))


def _page(
    tx: Tx, *, wanted: Filter, sort: Sort, page: int, size: int, cursors: Cursors, request: Request
) -> tuple[ImagePage, bytes]:
    listing = Listing(tx, wanted)
    # One more than is shown tells whether there is another page.
    rows = listing.page(sort, limit=size + 1, offset=(page - 1) * size)
    total = listing.total()
    more = len(rows) > size
    reached = (page - 1) * size + len(rows)
    if not total.exact and rows:
        total = Total(images=max(total.images, reached), exact=not more)
    following = _address(request, page=page + 1) if more else None
    before = _address(request, page=page - 1) if page > 1 else None
    first = position(rows[0], sort) if rows and page > 1 else None
    last = position(rows[size - 1], sort) if more else None
    ends = _ends(first, last, sort, cursors)
    return _shown(rows[:size], total, size=size, page=page, following=following, before=before, ends=ends)


def _after(
    tx: Tx, *, wanted: Filter, sort: Sort, at: Position | None, size: int, cursors: Cursors, request: Request
) -> tuple[ImagePage, bytes]:
    listing = Listing(tx, wanted)
    stretch = listing.after(sort, limit=size, at=at)
    last = stretch.end
    # Where nothing of a stretch is shown, it goes back from its end.
    first = position(stretch.rows[0], sort) if stretch.rows else last or at
    ends = _ends(None if at is None else first, last, sort, cursors)
    following = ends["after"] and _address(request, cursor=ends["after"])
    return _shown(stretch.rows, listing.total(), size=size, following=following, ends=ends)


def _ends(first: Position | None, last: Position | None, sort: Sort, cursors: Cursors) -> dict[str, str | None]:
    """Cursors that go on from both ends of what is shown; None: nothing stands there."""
    return {
        "after": None if last is None else _cursor(last, sort, cursors),
        "before": None if first is None else _cursor(first, sort.reversed, cursors),
    }


def _cursor(here: Position, sort: Sort, cursors: Cursors) -> str:
    value = here.value.isoformat() if isinstance(here.value, datetime) else here.value
    return cursors.give(f"images by {sort}", [value, here.image_id])


def _position(cursor: str, sort: Sort, cursors: Cursors) -> Position:
    value, image_id = cursors.take(f"images by {sort}", cursor)
    return Position(
        value=datetime.fromisoformat(value) if sort in {Sort.SHOWN, Sort.SHOWN_DESC} else value, image_id=image_id
    )


def _shown(
    rows: Sequence[ImageRow],
    total: Total,
    *,
    size: int,
    page: int | None = None,
    following: str | None,
    before: str | None = None,
    ends: Mapping[str, str | None],
) -> tuple[ImagePage, bytes]:
    """A page, and as JSON: made here, in the catalog's thread, to spare the event loop."""
    shown = ImagePage(
        items=[image(row) for row in rows],
        page=page,
        per_page=size,
        total=total.images,
        total_exact=total.exact,
        pages=-(-total.images // size),
        next=following,
        prev=before,
        **ends,
    )
    return shown, shown.model_dump_json().encode()


def _address(request: Request, **changes: object) -> str:
    url = request.url.include_query_params(**changes)
    return f"{url.path}?{url.query}"


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
    rows = records.after(tx, image_id=image_id, limit=STREAM_PAGE)
    last_id = rows[-1].id if rows else image_id
    return _RECORDS.dump_json([image(row) for row in rows])[1:-1], last_id
