"""Records of images: one row for each file that is stored in a store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, case, func, select
from sqlalchemy.sql import Executable
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import images, items
from imageferry.catalog.database.upsert import upsert
from imageferry.catalog.images import counters, deletions, snapshots, word_index
from imageferry.catalog.images.counters import CountersLock
from imageferry.catalog.jobs.items import PendingItem
from imageferry.model import ItemState

# A record; its attributes are the columns of the images table.
ImageRow = Row[Any]
# Columns that a record copies from its item.
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
    "digest_mismatch",
    "width",
    "height",
    "taken_at",
    "camera",
    "latitude",
    "longitude",
    "media",
)
_KEY_COLUMNS = ("source", "file_id", "store")


class StoredVersion(Struct, frozen=True, kw_only=True):
    """The version of a file that is stored, and its object."""

    version: str | None
    size_bytes: int
    object_key: str


def stored_versions(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[str, StoredVersion]:
    """Return what one store has of these files, by file id."""
    parameters = {"of_source": source, "of_store": store, "file_ids": file_ids}
    return {
        file_id: StoredVersion(version=version, size_bytes=size_bytes, object_key=object_key)
        for file_id, version, size_bytes, object_key in tx.execute(_STORED_VERSIONS, parameters)
    }


_STORED_VERSIONS = select(images.c.file_id, images.c.version, images.c.size_bytes, images.c.object_key).where(
    images.c.source == bindparam("of_source"),
    images.c.store == bindparam("of_store"),
    in_list(images.c.file_id, "file_ids"),
)


def ids_by_file(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[str, int]:
    """Return the ids of the records of these files in one store, by file id."""
    if not file_ids:
        return {}
    of_files = (images.c.source == source, images.c.store == store, images.c.file_id.in_(file_ids))
    rows = tx.execute(select(images.c.file_id, images.c.id).where(*of_files))
    return {row.file_id: row.id for row in rows}


def record_stored(
    lock: CountersLock, stored: Collection[PendingItem], *, source: str, store: str, now: datetime
) -> None:
    """Insert or update the records of one job's items, which are STORED by now; update counters and word index."""
    tx = lock.tx
    file_ids = [item.file_id for item in stored]
    before = snapshots.by_file_ids(tx, source=source, store=store, file_ids=file_ids)
    parameters = {"item_ids": [item.id for item in stored], "now": now, "of_source": source, "of_store": store}
    tx.execute(_upsert_statement(tx.dialect.name), parameters)
    after = snapshots.by_file_ids(tx, source=source, store=store, file_ids=file_ids)
    counters.apply_changes(lock, before=before, after=after)
    word_index.apply_changes(lock, before=before, after=after)
    deletions.add_replaced(lock, before=before, after=after, store=store)


def latest_of_job(tx: Connection, *, job_id: str, limit: int) -> Sequence[ImageRow]:
    """Return the newest records that this job stored last, newest first."""
    return tx.execute(select(images).where(images.c.job_id == job_id).order_by(images.c.id.desc()).limit(limit)).all()


def page_after(tx: Connection, *, image_id: int, limit: int) -> Sequence[ImageRow]:
    """Return the records after this id, by id; for streaming all of them."""
    return tx.execute(select(images).where(images.c.id > image_id).order_by(images.c.id).limit(limit)).all()


def get(tx: Connection, image_id: int) -> ImageRow | None:
    """Return one record, or None."""
    return tx.execute(select(images).where(images.c.id == image_id)).one_or_none()


def by_ids(tx: Connection, image_ids: Collection[int]) -> Sequence[ImageRow]:
    """Return those of these records that exist, by id."""
    return tx.execute(select(images).where(images.c.id.in_(image_ids)).order_by(images.c.id)).all()


def newest_id(tx: Connection) -> int:
    """Return the largest id; 0 when there are no records."""
    newest: int | None = tx.execute(select(func.max(images.c.id))).scalar_one()
    return newest or 0


def count(tx: Connection) -> int:
    """Return the number of records, by counting them; `counters.total` doesn't count."""
    return tx.execute(select(func.count()).select_from(images)).scalar_one()


@cache
def _upsert_statement(dialect: str) -> Executable:
    """Return the upsert of `record_stored`; building it takes longer than running it."""
    now = bindparam("now", type_=images.c.created_at.type)
    key = (
        bindparam("of_source", type_=images.c.source.type).label("source"),
        bindparam("of_store", type_=images.c.store.type).label("store"),
    )
    times = (func.coalesce(items.c.taken_at, now).label("sort_date"), now.label("created_at"), now.label("updated_at"))
    rows = select(*(items.c[name] for name in _FROM_ITEM), *key, *times).where(
        in_list(items.c.id, "item_ids"), items.c.state == ItemState.STORED
    )
    return upsert(images, dialect, key_columns=_KEY_COLUMNS, assignments=_assignments, rows=rows)


def _assignments(incoming: ReadOnlyColumnCollection[str, Any]) -> list[tuple[str, Any]]:
    """Return what an existing record is set to. The order matters: MySQL reads columns that it has set already."""
    is_same = images.c.md5 == incoming.md5
    copied = [name for name in (*_FROM_ITEM, "updated_at") if name not in _KEY_COLUMNS]
    return [
        # A thumbnail is only valid for the bytes that it was made from.
        ("placeholder", case((is_same, images.c.placeholder))),
        ("thumbnail", case((is_same, images.c.thumbnail))),
        *((name, incoming[name]) for name in copied),
        ("sort_date", func.coalesce(incoming.taken_at, images.c.created_at)),
    ]
