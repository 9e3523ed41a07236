"""The receipt of a job: one entry for each file that it met."""

import csv
from collections.abc import AsyncGenerator
from functools import partial
from io import StringIO
from typing import Any

import msgspec
from sqlalchemy import Row

from imageferry.catalog.database.connection import Transactions
from imageferry.catalog.jobs import items
from imageferry.model import ItemState

Entry = dict[str, Any]

_PAGE_SIZE = 1000
_FIELDS = ("id", "name", "path", "key", "size", "digest", "outcome", "reason", "detail")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it; an apostrophe makes it text


async def receipt(
    catalog: Transactions, *, job_id: str, as_csv: bool, state: ItemState | None = None
) -> AsyncGenerator[bytes]:
    """The receipt in the order of the files' ids, a page and a transaction at a time, of one state where it is told.

    JSON Lines, or CSV with a heading. `id` is the source's, `key` the object's, `size` in bytes, `digest` the MD5
    of the stored bytes (hex), `outcome` one of stored, skipped, failed, or pending while the job runs.
    """
    form, ahead = (_csv, _csv([dict(zip(_FIELDS, _FIELDS, strict=True))])) if as_csv else (_jsonl, b"")
    page, last_id = partial(items.after, job_id=job_id, limit=_PAGE_SIZE, state=state), ""
    while rows := await catalog.read(partial(page, file_id=last_id)):
        yield ahead + form([_entry(row) for row in rows])
        ahead, last_id = b"", rows[-1].file_id
    if ahead:  # a CSV of no file has its heading
        yield ahead


def _jsonl(entries: list[Entry]) -> bytes:
    return msgspec.json.Encoder().encode_lines(entries)


def _csv(entries: list[Entry]) -> bytes:
    text = StringIO()
    rows = ({name: _harmless(value) for name, value in entry.items()} for entry in entries)
    csv.DictWriter(text, _FIELDS).writerows(rows)
    return text.getvalue().encode()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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
