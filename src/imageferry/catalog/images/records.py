"""Images in the catalog: one record for each file that stands in a store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, case, func, select
from sqlalchemy.sql import Executable
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from imageferry.catalog.database.in_list import among
from imageferry.catalog.database.tables import images, items
from imageferry.catalog.database.upsert import upsert
from imageferry.catalog.images import counters, deletions, snapshots, word_index
from imageferry.catalog.jobs.items import Pending
from imageferry.model import ItemState

# A record, with the table's columns by their names.
ImageRow = Row[Any]
# What a record takes over from its item, by the same name.
_FROM_ITEM = (
    "file_id",
    "folder_id",
    "job_id",
    "name",
    "name_key",
    "path",
    "mime_type",
    "size_bytes",
    "md5",
    "version",
    "object_key",
    "flagged",
    "width",
    "height",
    "taken_at",
    "camera",
    "latitude",
    "longitude",
    "media",
)
_IDENTITY = ("source", "file_id", "store")


class Held(Struct, frozen=True, kw_only=True):
    """What the catalog holds of a file."""

    version: str | None
    size_bytes: int
    object_key: str


def held(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[str, Held]:
    """The records of these files in one store, by file id."""
    asked = {"at_source": source, "in_store": store, "file_ids": file_ids}
    return {
        file_id: Held(version=version, size_bytes=size_bytes, object_key=object_key)
        for file_id, version, size_bytes, object_key in tx.execute(_HELD, asked)
    }


_HELD = select(images.c.file_id, images.c.version, images.c.size_bytes, images.c.object_key).where(
    images.c.source == bindparam("at_source"),
    images.c.store == bindparam("in_store"),
    among(images.c.file_id, "file_ids"),
)


def ids(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[str, int]:
    """The ids of the records of these files in one store, by file id."""
    columns = (images.c.file_id, images.c.id)
    of_files = (images.c.source == source, images.c.store == store, images.c.file_id.in_(file_ids))
    return {row.file_id: row.id for row in tx.execute(select(*columns).where(*of_files))} if file_ids else {}


def record(tx: Connection, stored: Collection[Pending], *, source: str, store: str, now: datetime) -> None:
    """Write the records of items of one job that are stored by now, or bring them up to date, and what is kept beside.

    `tallies.lock` comes first in the transaction.
    """
    where = {"source": source, "store": store}
    file_ids = [item.file_id for item in stored]
    before = snapshots.of_files(tx, **where, file_ids=file_ids)
    given = {"item_ids": [item.id for item in stored], "now": now}
    tx.execute(_recording(tx.dialect.name), given | {"at_source": source, "in_store": store})
    after = snapshots.of_files(tx, **where, file_ids=file_ids)
    counters.change(tx, before=before, after=after)
    word_index.change(tx, before=before, after=after)
    deletions.replaced(tx, before=before, after=after, store=store)


def latest(tx: Connection, *, job_id: str, limit: int) -> Sequence[ImageRow]:
    """The records that a job stored last."""
    return tx.execute(select(images).where(images.c.job_id == job_id).order_by(images.c.id.desc()).limit(limit)).all()


def after(tx: Connection, *, image_id: int, limit: int) -> Sequence[ImageRow]:
    """The records that follow one, in the order they were first stored; what a stream of all reads by."""
    return tx.execute(select(images).where(images.c.id > image_id).order_by(images.c.id).limit(limit)).all()


def get(tx: Connection, image_id: int) -> ImageRow | None:
    """One record."""
    return tx.execute(select(images).where(images.c.id == image_id)).one_or_none()


def some(tx: Connection, image_ids: Collection[int]) -> Sequence[ImageRow]:
    """These records, as far as they are there, in the order they were first stored."""
    return tx.execute(select(images).where(images.c.id.in_(image_ids)).order_by(images.c.id)).all()


def newest_id(tx: Connection) -> int:
    """The greatest id there is; 0: there is none."""
    newest: int | None = tx.execute(select(func.max(images.c.id))).scalar_one()
    return newest or 0


def count(tx: Connection) -> int:
    """How many records there are."""
    return tx.execute(select(func.count()).select_from(images)).scalar_one()


@cache
def _recording(dialect: str) -> Executable:
    """The statement of `record`; to build it takes longer than to run it."""
    now = bindparam("now", type_=images.c.created_at.type)
    where = (
        bindparam("at_source", type_=images.c.source.type).label("source"),
        bindparam("in_store", type_=images.c.store.type).label("store"),
    )
    times = (func.coalesce(items.c.taken_at, now).label("shown_at"), now.label("created_at"), now.label("updated_at"))
    rows = select(*(items.c[name] for name in _FROM_ITEM), *where, *times).where(
        among(items.c.id, "item_ids"), items.c.state == ItemState.STORED
    )
    return upsert(images, dialect, identity=_IDENTITY, changes=_changes, rows=rows)


def _changes(fresh: ReadOnlyColumnCollection[str, Any]) -> list[tuple[str, Any]]:
    """What a record that is there takes over; in this order, for MySQL reads what it has set already."""
    same = images.c.md5 == fresh.md5
    taken_over = [name for name in (*_FROM_ITEM, "updated_at") if name not in _IDENTITY]
    return [
        # A thumbnail is of the bytes that it was made from.
        ("placeholder", case((same, images.c.placeholder))),
        ("thumbnail", case((same, images.c.thumbnail))),
        *((name, fresh[name]) for name in taken_over),
        ("shown_at", func.coalesce(fresh.taken_at, images.c.created_at)),
    ]
