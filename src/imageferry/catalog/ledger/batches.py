"""Batches: which items are transferred together."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import batches
from imageferry.catalog.database.tables import items as items_table
from imageferry.catalog.images.name_tokens import name_key
from imageferry.catalog.jobs import items
from imageferry.model import ItemState, LedgerState, ListedFile, Media

NAME_LENGTH_MAX = 16_384  # characters; a statement of a database holds some megabytes
FILES_MAX = 100
SIZE_BYTES_MAX = 64 * 1024 * 1024
# The size to assume for a file whose size is not listed, so that a batch of such files is not too large.
SIZE_BYTES_ASSUMED = 1024 * 1024


def insert_items(tx: Connection, *, job_id: str, files: Sequence[ListedFile]) -> None:
    """Insert new items, and put those to be transferred into batches.

    The job's newest batch is filled first if it was never dispatched: so folders with a few files each share batches,
    and a batch is dispatched partly filled only if no fuller one is ready.
    """
    rows = [_item_row(job_id, file) for file in files if file.state is not ItemState.PENDING]
    to_transfer = [file for file in files if file.state is ItemState.PENDING]
    for batch in _fill_batches(to_transfer, into=_newest_open_batch(tx, job_id)):
        batch_id = _save_batch(tx, job_id, batch)
        rows += [_item_row(job_id, file) | {"batch_id": batch_id} for file in batch.new_files]
    items.insert(tx, rows)


def rebatch(tx: Connection, *, job_id: str, item_sizes: Sequence[tuple[int, int | None]], batches_max: int) -> int:
    """Put existing items into at most `batches_max` new batches, and reset their tries. Return how many items fitted.

    `item_sizes` are pairs of an item's id and its size in bytes. Items that do not fit are the last ones.
    """
    groups: list[list[int]] = []
    total_bytes = 0
    for item_id, size_bytes in item_sizes:
        item_bytes = SIZE_BYTES_ASSUMED if size_bytes is None else size_bytes
        if not groups or len(groups[-1]) == FILES_MAX or total_bytes + item_bytes > SIZE_BYTES_MAX:
            if len(groups) == batches_max:
                break
            groups.append([])
            total_bytes = 0
        groups[-1].append(item_id)
        total_bytes += item_bytes
    for group in groups:
        # A batch with a try counts as redelivered: its transfer first looks for objects that already exist.
        batch_id = _insert(tx, job_id=job_id, tries=1, files=len(group))
        tx.execute(_RESET_ITEMS, {"item_ids": group, "new_batch_id": batch_id})
    return sum(map(len, groups))


_RESET_ITEMS = (
    update(items_table)
    .where(in_list(items_table.c.id, "item_ids"))
    .values(batch_id=bindparam("new_batch_id"), state=ItemState.PENDING, reason=None, detail=None, tries=0)
)


def isolate(tx: Connection, *, job_id: str, item_ids: Collection[int], tries: int) -> None:
    """Move each item to an isolated batch of its own that counts as tried `tries` times."""
    for item_id in item_ids:
        batch_id = _insert(tx, job_id=job_id, tries=tries, files=1, isolated=True)
        tx.execute(update(items_table).where(items_table.c.id == item_id).values(batch_id=batch_id))


def _insert(tx: Connection, *, job_id: str, tries: int, files: int, size_bytes: int = 0, isolated: bool = False) -> int:
    new = {"job_id": job_id, "state": LedgerState.READY, "tries": tries, "isolated": isolated, "available_at_ms": 0}
    size = {"files": files, "size_bytes": size_bytes}
    (batch_id,) = tx.execute(batches.insert().values(new | size)).inserted_primary_key or (0,)
    return int(batch_id)


class _OpenBatch(Struct, kw_only=True):
    batch_id: int | None  # None: not saved yet
    files: int
    size_bytes: int
    new_files: list[ListedFile]

    def has_room(self, size_bytes: int) -> bool:
        return self.files == 0 or (self.files < FILES_MAX and self.size_bytes + size_bytes <= SIZE_BYTES_MAX)


def _fill_batches(files: Sequence[ListedFile], *, into: _OpenBatch) -> Iterator[_OpenBatch]:
    batch = into
    for file in files:
        size_bytes = SIZE_BYTES_ASSUMED if file.file.size_bytes is None else file.file.size_bytes
        if not batch.has_room(size_bytes):
            if batch.new_files:
                yield batch
            batch = _OpenBatch(batch_id=None, files=0, size_bytes=0, new_files=[])
        batch.files += 1
        batch.size_bytes += size_bytes
        batch.new_files.append(file)
    if batch.new_files:
        yield batch


def _newest_open_batch(tx: Connection, job_id: str) -> _OpenBatch:
    query = (
        select(batches)
        .where(batches.c.job_id == job_id, batches.c.state == LedgerState.READY)
        .where(batches.c.tries == 0, batches.c.available_at_ms == 0)
        .order_by(batches.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return _OpenBatch(batch_id=None, files=0, size_bytes=0, new_files=[])
    return _OpenBatch(batch_id=row.id, files=row.files, size_bytes=row.size_bytes, new_files=[])


def _save_batch(tx: Connection, job_id: str, batch: _OpenBatch) -> int:
    if batch.batch_id is None:
        return _insert(tx, job_id=job_id, tries=0, files=batch.files, size_bytes=batch.size_bytes)
    size = {"files": batch.files, "size_bytes": batch.size_bytes}
    tx.execute(update(batches).where(batches.c.id == batch.batch_id).values(size))
    return batch.batch_id


# `taken_at` has a column of its own, and JSON has no dates.
_JSON_FIELDS = tuple(name for name in Media.__struct_fields__ if name != "taken_at")


def _item_row(job_id: str, listed: ListedFile) -> dict[str, Any]:
    file, media = listed.file, listed.file.media
    media_json = media and {name: value for name in _JSON_FIELDS if (value := getattr(media, name)) is not None}
    return {
        "job_id": job_id,
        "batch_id": None,
        "file_id": file.id,
        "folder_id": listed.folder_id,
        "resource_key": file.resource_key,
        "name": file.name[:NAME_LENGTH_MAX],
        "name_key": name_key(file.name),
        "path": listed.path,
        "mime_type": file.mime_type[:255],
        "size_bytes": file.size_bytes,
        "md5": file.md5,
        "version": file.version and file.version[:255],
        "object_key": listed.object_key,
        "overwrites": listed.overwrites,
        "state": listed.state,
        "reason": listed.reason,
        "detail": listed.detail,
        "digest_mismatch": False,
        "tries": 0,
        "width": media and media.width,
        "height": media and media.height,
        "taken_at": media and media.taken_at,
        "camera": media and media.camera,
        "latitude": media and media.latitude,
        "longitude": media and media.longitude,
        "media": media_json,
    }
