"""Image records: pages, the complete list, and single records."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import ImageSearch, Total, position_of
from imageferry.catalog.search.index_scan import Position
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.presenters.images import image_detail_view, image_view
from imageferry.gateway.protocol.cursors import CURSOR_LENGTH_MAX, CursorCodec
from imageferry.gateway.protocol.image_cursors import decode_position, encode_position
from imageferry.gateway.protocol.ranges import json_unless_cached
from imageferry.gateway.schemas.fields import Id
from imageferry.gateway.schemas.image_query import QueryFilter, SortParam
from imageferry.gateway.schemas.images import Image, ImageDetail, ImagePage
from imageferry.gateway.security.stream_slots import StreamKind

PER_PAGE_MAX = 1000
PER_PAGE = 50
PAGES_MAX = 10_000_000
STREAM_PAGE = 500

ImageId = Annotated[Id, Path(description="An image's `id`.")]

router = APIRouter(prefix="/images", tags=["images"])
_IMAGES = TypeAdapter(list[Image])


@router.get("", response_model=ImagePage, responses={304: {"description": "The client already has this page."}})
async def list_images(
    request: Request,
    gateway: GatewayDep,
    image_filter: QueryFilter,
    *,
    sort: SortParam = Sort.CREATED,
    page: Annotated[int | None, Query(ge=1, le=PAGES_MAX, description="The page number, starting at 1.")] = None,
    per_page: Annotated[int, Query(ge=1, le=PER_PAGE_MAX)] = PER_PAGE,
    cursor: Annotated[
        str | None,
        Query(max_length=CURSOR_LENGTH_MAX, description="The cursor in `next`; empty to start at the beginning."),
    ] = None,
    limit: Annotated[
        int | None, Query(ge=1, le=PER_PAGE_MAX, description="Same as `per_page`, when reading by cursor.")
    ] = None,
) -> Response:
    """List images by page or by cursor.

    While images are added and deleted, only reading by cursor is consistent: no remaining image is missed or repeated.
    `next` continues in the same way, by page or by cursor. By cursor, a page may be short, or even empty, although
    there is a `next`.
    """
    by_cursor = cursor is not None or limit is not None
    if by_cursor and page is not None:
        raise HTTPException(400, "Use either `page` or `cursor`, not both.")
    page_size = limit or per_page
    if by_cursor:
        position = decode_position(cursor, sort, gateway.cursors) if cursor else None
        query = partial(_page_by_cursor, position=position)
    else:
        query = partial(_page_by_number, page=page or 1)
    image_page, body = await gateway.read(
        partial(
            query,
            image_filter=image_filter,
            sort=sort,
            page_size=page_size,
            cursors=gateway.cursors,
            request=request,
        )
    )
    links = {"next": image_page.next, "prev": image_page.prev}
    link_header = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
    return json_unless_cached(request, body, headers={"Link": link_header} if link_header else {})


@router.get("/all", response_model=list[Image])
async def list_all_images(request: Request, gateway: GatewayDep) -> StreamingResponse:
    """Return every image as one JSON array of any length, streamed."""
    return await stream_all_images(request, gateway)


@router.get("/{image_id}")
async def get_image(image_id: ImageId, gateway: GatewayDep) -> ImageDetail:
    """Return one image with its camera metadata."""
    return image_detail_view(await find_image(image_id, gateway))


async def find_image(image_id: int, gateway: Gateway) -> ImageRow:
    """Return an image's record; 404 when it doesn't exist."""
    row = await gateway.read(lambda tx: records.get(tx, image_id))
    if row is None:
        raise HTTPException(404, "There is no image with this id.")
    return row


async def stream_all_images(request: Request, gateway: Gateway) -> StreamingResponse:
    """Return a response that streams every image as one JSON array."""
    return await gateway.stream_slots.respond(
        StreamKind.EXPORT, request.scope, _json_array(gateway), media_type="application/json"
    )


def _page_by_number(
    tx: Tx,
    *,
    image_filter: Filter,
    sort: Sort,
    page: int,
    page_size: int,
    cursors: CursorCodec,
    request: Request,
) -> tuple[ImagePage, bytes]:
    search = ImageSearch.open(tx, image_filter)
    # One extra row shows whether there is a next page.
    rows = search.page(sort, limit=page_size + 1, offset=(page - 1) * page_size)
    total = search.total()
    has_next = len(rows) > page_size
    seen = (page - 1) * page_size + len(rows)
    if not total.exact and rows:
        total = Total(images=max(total.images, seen), exact=not has_next)
    next_url = _url(request, page=page + 1) if has_next else None
    prev_url = _url(request, page=page - 1) if page > 1 else None
    first = position_of(rows[0], sort) if rows and page > 1 else None
    last = position_of(rows[page_size - 1], sort) if has_next else None
    return _image_page(
        rows[:page_size],
        total,
        page_size=page_size,
        page=page,
        next_url=next_url,
        prev_url=prev_url,
        end_cursors=_end_cursors(first, last, sort, cursors),
    )


def _page_by_cursor(
    tx: Tx,
    *,
    image_filter: Filter,
    sort: Sort,
    position: Position | None,
    page_size: int,
    cursors: CursorCodec,
    request: Request,
) -> tuple[ImagePage, bytes]:
    search = ImageSearch.open(tx, image_filter)
    page_slice = search.page_after(sort, limit=page_size, after=position)
    last = page_slice.next_position
    # The `before` cursor of an empty slice starts at the slice's end.
    first = position_of(page_slice.rows[0], sort) if page_slice.rows else last or position
    end_cursors = _end_cursors(None if position is None else first, last, sort, cursors)
    next_url = end_cursors["after"] and _url(request, cursor=end_cursors["after"])
    return _image_page(page_slice.rows, search.total(), page_size=page_size, next_url=next_url, end_cursors=end_cursors)


def _end_cursors(
    first: Position | None, last: Position | None, sort: Sort, cursors: CursorCodec
) -> dict[str, str | None]:
    """Return cursors that continue at both ends of a page; None where the list ends."""
    return {
        "after": None if last is None else encode_position(last, sort, cursors),
        "before": None if first is None else encode_position(first, sort.reverse, cursors),
    }


def _image_page(
    rows: Sequence[ImageRow],
    total: Total,
    *,
    page_size: int,
    page: int | None = None,
    next_url: str | None,
    prev_url: str | None = None,
    end_cursors: Mapping[str, str | None],
) -> tuple[ImagePage, bytes]:
    """Return a page and its JSON. Called in the catalog's thread, so that encoding doesn't block the event loop."""
    image_page = ImagePage(
        items=[image_view(row) for row in rows],
        page=page,
        per_page=page_size,
        total=total.images,
        total_exact=total.exact,
        pages=-(-total.images // page_size),
        next=next_url,
        prev=prev_url,
        **end_cursors,
    )
    return image_page, image_page.model_dump_json().encode()


def _url(request: Request, **changes: object) -> str:
    url = request.url.include_query_params(**changes)
    return f"{url.path}?{url.query}"


async def _json_array(gateway: Gateway) -> AsyncIterator[bytes]:
    """Yield all images as a JSON array, page by page: no transaction stays open while a client reads slowly."""
    last_id, separator = 0, b"["
    while True:
        encoded, last_id = await gateway.read(partial(_encoded_images_after, image_id=last_id))
        if not encoded:
            break
        yield separator + encoded
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _encoded_images_after(tx: Tx, *, image_id: int) -> tuple[bytes, int]:
    """Return the next images as JSON without brackets, and the last id.

    Called in the catalog's thread, so that encoding doesn't block the event loop.
    """
    rows = records.page_after(tx, image_id=image_id, limit=STREAM_PAGE)
    last_id = rows[-1].id if rows else image_id
    return _IMAGES.dump_json([image_view(row) for row in rows])[1:-1], last_id
