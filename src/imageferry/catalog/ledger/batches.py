"""Batches: which items travel together."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from imageferry.catalog.database.in_list import among
from imageferry.catalog.database.tables import batches
from imageferry.catalog.database.tables import items as items_table
from imageferry.catalog.images.name_tokens import name_key
from imageferry.catalog.jobs import items
from imageferry.model import ItemState, LedgerState, ListedFile, Media

FILES_MAX = 100
SIZE_BYTES_MAX = 64 * 1024 * 1024
# A file whose listing tells no size is counted as this, so that a batch of them stays of the usual weight.
SIZE_BYTES_ASSUMED = 1024 * 1024


def insert_with_batches(tx: Connection, *, job_id: str, finds: Sequence[ListedFile]) -> None:
    """Write new items; those to be transferred join a batch.

    The job's newest batch is filled up first, as long as it was never given out: so folders of a few files
    each share batches, and a batch goes out part-filled only when nothing fuller waits.
    """
    rows = [_row(job_id, find) for find in finds if find.state is not ItemState.PENDING]
    for load in _loads([find for find in finds if find.state is ItemState.PENDING], into=_open_load(tx, job_id)):
        batch_id = _write(tx, job_id, load)
        rows += [_row(job_id, find) | {"batch_id": batch_id} for find in load.finds]
    items.insert(tx, rows)


def repack(tx: Connection, *, job_id: str, item_sizes: Sequence[tuple[int, int | None]], batches_max: int) -> int:
    """Put items that exist into batches of their own, to be transferred as on a first try; how many had room."""
    loads: list[list[int]] = []
    weight = 0
    for item_id, size_bytes in item_sizes:
        adds = SIZE_BYTES_ASSUMED if size_bytes is None else size_bytes
        if not loads or len(loads[-1]) == FILES_MAX or weight + adds > SIZE_BYTES_MAX:
            if len(loads) == batches_max:
                break
            loads.append([])
            weight = 0
        loads[-1].append(item_id)
        weight += adds
    for load in loads:
        # Tried before: what stands in the store already is looked for first.
        new = {"job_id": job_id, "state": LedgerState.READY, "tries": 1, "due_ms": 0}
        size = {"files": len(load), "size_bytes": 0}
        (batch_id,) = tx.execute(batches.insert().values(new | size)).inserted_primary_key or (0,)
        tx.execute(_BEGIN_ANEW, {"item_ids": load, "new_batch_id": batch_id})
    return sum(map(len, loads))


_BEGIN_ANEW = (
    update(items_table)
    .where(among(items_table.c.id, "item_ids"))
    .values(batch_id=bindparam("new_batch_id"), state=ItemState.PENDING, reason=None, detail=None, tries=0)
)


def part(tx: Connection, *, job_id: str, batch_id: int, item_ids: Collection[int], tries: int) -> None:
    """Give each item of a batch a batch of its own, that was tried as often."""
    for item_id in item_ids:
        alone = {"job_id": job_id, "state": LedgerState.READY, "tries": tries, "due_ms": 0, "files": 1, "size_bytes": 0}
        (own_id,) = tx.execute(batches.insert().values(alone)).inserted_primary_key or (0,)
        tx.execute(update(items_table).where(items_table.c.id == item_id).values(batch_id=own_id))
    tx.execute(update(batches).where(batches.c.id == batch_id).values(state=LedgerState.DONE, files=0))


class _Load(Struct, kw_only=True):
    batch_id: int | None  # None: a new one
    files: int
    size_bytes: int
    finds: list[ListedFile]

    def takes(self, size_bytes: int) -> bool:
        return self.files == 0 or (self.files < FILES_MAX and self.size_bytes + size_bytes <= SIZE_BYTES_MAX)


def _loads(finds: Sequence[ListedFile], *, into: _Load) -> Iterator[_Load]:
    load = into
    for find in finds:
        size_bytes = SIZE_BYTES_ASSUMED if find.file.size_bytes is None else find.file.size_bytes
        if not load.takes(size_bytes):
            if load.finds:
                yield load
            load = _Load(batch_id=None, files=0, size_bytes=0, finds=[])
        load.files += 1
        load.size_bytes += size_bytes
        load.finds.append(find)
    if load.finds:
        yield load


def _open_load(tx: Connection, job_id: str) -> _Load:
    query = (
        select(batches)
        .where(batches.c.job_id == job_id, batches.c.state == LedgerState.READY)
        .where(batches.c.tries == 0, batches.c.due_ms == 0)
        .order_by(batches.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return _Load(batch_id=None, files=0, size_bytes=0, finds=[])
    return _Load(batch_id=row.id, files=row.files, size_bytes=row.size_bytes, finds=[])


def _write(tx: Connection, job_id: str, load: _Load) -> int:
    size = {"files": load.files, "size_bytes": load.size_bytes}
    if load.batch_id is not None:
        tx.execute(update(batches).where(batches.c.id == load.batch_id).values(size))
        return load.batch_id
    new = {"job_id": job_id, "state": LedgerState.READY, "tries": 0, "due_ms": 0}
    (batch_id,) = tx.execute(batches.insert().values(new | size)).inserted_primary_key or (0,)
    return int(batch_id)


# `taken_at` has a column of its own, and JSON has no dates.
_TOLD = tuple(name for name in Media.__struct_fields__ if name != "taken_at")


def _row(job_id: str, find: ListedFile) -> dict[str, Any]:
    file, media = find.file, find.file.media
    told = media and {name: value for name in _TOLD if (value := getattr(media, name)) is not None}
    return {
        "job_id": job_id,
        "batch_id": None,
        "file_id": file.id,
        "folder_id": find.folder_id,
        "resource_key": file.resource_key,
        "name": file.name,
        "name_key": name_key(file.name),
        "path": find.path,
        "mime_type": file.mime_type[:255],
        "size_bytes": file.size_bytes,
        "md5": file.md5,
        "version": file.version and file.version[:255],
        "object_key": find.object_key,
        "replaces": find.replaces,
        "state": find.state,
        "reason": find.reason,
        "detail": find.detail,
        "flagged": False,
        "tries": 0,
        "width": media and media.width,
        "height": media and media.height,
        "taken_at": media and media.taken_at,
        "camera": media and media.camera,
        "latitude": media and media.latitude,
        "longitude": media and media.longitude,
        "media": told,
    }
