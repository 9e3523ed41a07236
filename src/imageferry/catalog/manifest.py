"""The receipt of a job: one entry for each file that it met."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from imageferry.catalog import items
from imageferry.model import ItemState

Entry = dict[str, Any]

FIELDS = ("id", "name", "path", "key", "size", "digest", "outcome", "reason", "detail")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def entries(tx: Connection, *, job_id: str) -> Iterator[list[Entry]]:
    """The receipt's entries in the order of the files' ids, by pages.

    `id` is the source's, `key` the object's, `size` in bytes, `digest` the MD5 of the stored bytes (hex),
    `outcome` one of stored, skipped, failed, or pending while the job runs.
    """
    for rows in items.pages(tx, job_id=job_id):
        yield [_entry(row) for row in rows]


def page(
    tx: Connection, *, job_id: str, after_id: str, limit: int = 1000, state: ItemState | None = None
) -> list[Entry]:
    """The entries that follow a file's, of one state where it is told: what a stream reads by, a transaction a page."""
    return [_entry(row) for row in items.after(tx, job_id=job_id, file_id=after_id, limit=limit, state=state)]


def as_jsonl(pages: Iterable[list[Entry]]) -> Iterator[bytes]:
    """JSON Lines, a page at a time."""
    return map(jsonl, pages)


def as_csv(pages: Iterable[list[Entry]]) -> Iterator[bytes]:
    """CSV with a heading, a page at a time."""
    yield csv_heading()
    yield from map(csv_rows, pages)


def jsonl(page: list[Entry]) -> bytes:
    """A page as JSON Lines."""
    return msgspec.json.Encoder().encode_lines(page)


def csv_heading() -> bytes:
    """The first line of a CSV."""
    return _csv([dict(zip(FIELDS, FIELDS, strict=True))])


def csv_rows(page: list[Entry]) -> bytes:
    """A page as lines of a CSV; what a spreadsheet would run as a formula begins with an apostrophe."""
    return _csv({name: _harmless(value) for name, value in entry.items()} for entry in page)


def _entry(row: Row[Any]) -> Entry:
    return {
        "id": row.file_id,
        "name": row.name,
        "path": row.path,
        "key": row.object_key,
        "size": row.size_bytes,
        "digest": row.md5,
        "outcome": row.state,
        "reason": row.reason,
        "detail": row.detail,
    }


def _csv(page: Iterable[Entry]) -> bytes:
    text = StringIO()
    csv.DictWriter(text, FIELDS).writerows(page)
    return text.getvalue().encode()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
