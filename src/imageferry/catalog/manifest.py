"""The receipt of a job: one entry for each file that it met."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

import msgspec
from sqlalchemy import Connection

from imageferry.catalog import items

FIELDS = ("id", "name", "path", "key", "size", "digest", "outcome", "reason", "detail")
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def entries(tx: Connection, *, job_id: str) -> Iterator[list[dict[str, Any]]]:
    """The receipt's entries in the order the files were found, by pages.

    `id` is the source's, `key` the object's, `size` in bytes, `digest` the MD5 of the stored bytes (hex),
    `outcome` one of stored, skipped, failed, or pending while the job runs.
    """
    for rows in items.pages(tx, job_id=job_id):
        yield [
            {
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
            for row in rows
        ]


def as_jsonl(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """JSON Lines, a page at a time."""
    encoder = msgspec.json.Encoder()
    for page in pages:
        yield encoder.encode_lines(page)


def as_csv(pages: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """CSV with a heading, a page at a time; what a spreadsheet would run as a formula begins with an apostrophe."""
    yield _csv([dict(zip(FIELDS, FIELDS, strict=True))])
    for page in pages:
        yield _csv({name: _harmless(value) for name, value in entry.items()} for entry in page)


def _csv(page: Iterable[dict[str, Any]]) -> bytes:
    text = StringIO()
    csv.DictWriter(text, FIELDS).writerows(page)
    return text.getvalue().encode()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
