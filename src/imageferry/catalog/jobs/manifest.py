"""The manifest of a job: one entry for each file that it discovered."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row

from imageferry.catalog.database.connection import TransactionRunner
from imageferry.catalog.jobs import items
from imageferry.catalog.jobs.csv_rows import csv_rows
from imageferry.model import ItemState

Entry = dict[str, Any]

_PAGE_SIZE = 1000
_FIELDS = ("id", "name", "path", "key", "size", "digest", "outcome", "reason", "detail")


async def stream_manifest(
    catalog: TransactionRunner, *, job_id: str, as_csv: bool, state: ItemState | None = None
) -> AsyncGenerator[bytes]:
    """Yield a job's manifest in chunks, in the order of file ids, optionally of items of one state.

    JSON Lines, or CSV with a header. `id` is the source's file id, `key` the object's key, `size` in bytes, `digest`
    the MD5 of the stored bytes in hex, `outcome` one of stored, skipped, failed, or pending while the job runs.
    Each chunk is one page, read in a transaction of its own.
    """
    encode, header = (_csv, csv_rows([_FIELDS])) if as_csv else (_jsonl, b"")
    page, last_id = partial(items.after_file, job_id=job_id, limit=_PAGE_SIZE, state=state), ""
    while rows := await catalog.read(partial(page, file_id=last_id)):
        yield header + encode([_entry(row) for row in rows])
        header, last_id = b"", rows[-1].file_id
    if header:  # a CSV without entries still has its header
        yield header


def _jsonl(entries: list[Entry]) -> bytes:
    return msgspec.json.Encoder().encode_lines(entries)


def _csv(entries: list[Entry]) -> bytes:
    return csv_rows([entry[name] for name in _FIELDS] for entry in entries)


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
