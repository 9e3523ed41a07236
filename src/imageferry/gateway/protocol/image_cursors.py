"""Cursors of image lists: a position in a sort order, as text."""

from datetime import datetime

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.index_scan import Position
from imageferry.gateway.protocol.cursors import CursorCodec


def encode_position(position: Position, sort: Sort, cursors: CursorCodec) -> str:
    """Return the cursor that continues after a position."""
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    return cursors.encode(_list_name(sort), [value, position.image_id])


def decode_position(cursor: str, sort: Sort, cursors: CursorCodec) -> Position:
    """Return the position of a cursor. Raises UsageError when it was not issued for this sort order."""
    value, image_id = cursors.decode(_list_name(sort), cursor)
    if sort in {Sort.DATE, Sort.DATE_DESC}:
        value = datetime.fromisoformat(value)
    return Position(value=value, image_id=image_id)


def _list_name(sort: Sort) -> str:
    return f"images by {sort}"
