"""Deletions: records are deleted first, and a tombstone stays until the object is deleted, and a while longer.

A tombstone is written in the transaction that deletes the image, so no object is orphaned if the process dies. The
deletion of an object may also destroy a concurrent upload of the same file: the outcome of such an upload is rejected.
Where the store refuses the deletion, later uploads are safe until the next try, and the first of them ends it: the
object belongs to an image again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, case, delete, func, not_, or_, select, update

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.row_locks import for_update
from imageferry.catalog.database.tables import batches, deleted_objects, images, items
from imageferry.catalog.events import event_log
from imageferry.catalog.images import counters, snapshots, word_index
from imageferry.catalog.images.counters import CountersLock
from imageferry.catalog.images.snapshots import ImageSnapshot
from imageferry.errors import Reason
from imageferry.model import ItemState, LedgerState, Outcome

# Longer than one call to a store takes, with all its retries.
LEASE_MS = 10 * 60_000
RETRY_DELAY_MS = 60_000
# Longer than any upload takes.
TOMBSTONE_KEPT_MS = 24 * 3_600_000


class Tombstone(Struct, frozen=True, kw_only=True):
    """An object to delete."""

    id: int
    image_id: int
    object_key: str


class DeletedRecords(Struct, frozen=True, kw_only=True):
    """What happened to the records of the images to delete."""

    tombstones: list[Tombstone]  # of the deleted records; the caller deletes the objects
    missing: int  # records that did not exist
    in_other_store: dict[int, str]  # records that were kept, because their objects are in another store: its URL


def delete_records(tx: Connection, image_ids: Collection[int], *, store: str, now_ms: int) -> DeletedRecords:
    """Delete the records of images, and write tombstones, which the caller has claimed for LEASE_MS."""
    lock = counters.lock_counters(tx)
    stores = select(images.c.id, images.c.store).where(images.c.id.in_(image_ids)).order_by(images.c.id)
    found = tx.execute(stores).all()
    ids = [row.id for row in found if row.store == store]
    if ids:
        before = snapshots.by_ids(tx, ids)
        tx.execute(delete(images).where(images.c.id.in_(ids)))
        counters.apply_changes(lock, before=before, after={})
        word_index.apply_changes(lock, before=before, after={})
        event_log.images_deleted(tx, ids)
        _insert_tombstones(tx, before.values(), store=store, due_at_ms=now_ms + LEASE_MS)
    columns = (deleted_objects.c.id, deleted_objects.c.image_id, deleted_objects.c.object_key)
    written = select(*columns).where(deleted_objects.c.image_id.in_(ids))
    return DeletedRecords(
        tombstones=[
            Tombstone(id=row.id, image_id=row.image_id, object_key=row.object_key) for row in tx.execute(written)
        ],
        missing=len(set(image_ids)) - len(found),
        in_other_store={row.id: row.store for row in found if row.store != store},
    )


def add_replaced(
    lock: CountersLock, *, before: Mapping[int, ImageSnapshot], after: Mapping[int, ImageSnapshot], store: str
) -> None:
    """Write tombstones for the old objects of images whose object key changed.

    That happens when two jobs find the same file in different folders.
    """
    replaced = [
        image for image in before.values() if image.id in after and after[image.id].object_key != image.object_key
    ]
    _insert_tombstones(lock.tx, replaced, store=store, due_at_ms=0)


def claim(tx: Connection, *, store: str, now_ms: int, limit: int) -> list[Tombstone]:
    """Return tombstones whose objects are still to be deleted, claimed for LEASE_MS."""
    is_pending = (deleted_objects.c.store == store, not_(deleted_objects.c.is_deleted))
    # A time more than a lease ahead was written before the clock was set back.
    is_due = or_(deleted_objects.c.due_at_ms <= now_ms, deleted_objects.c.due_at_ms > now_ms + LEASE_MS)
    query = select(deleted_objects).where(*is_pending, is_due).order_by(deleted_objects.c.id).limit(limit)
    if tx.execute(query.limit(1)).first() is None:
        return []
    counters.lock_counters(tx)  # no outcome is recorded meanwhile that takes the object for safe
    rows = tx.execute(for_update(query, deleted_objects))
    claimed = [Tombstone(id=row.id, image_id=row.image_id, object_key=row.object_key) for row in rows]
    _update(tx, claimed, due_at_ms=now_ms + LEASE_MS, fence_item_id=None)
    return claimed


def mark_deleted(tx: Connection, tombstones: Sequence[Tombstone], *, now_ms: int) -> None:
    """Record that these objects are deleted; uploads of items that exist by now may have been deleted with them."""
    _update(tx, tombstones, due_at_ms=now_ms + TOMBSTONE_KEPT_MS, is_deleted=True, fence_item_id=_NEWEST_ITEM_ID)


def postpone(tx: Connection, tombstones: Sequence[Tombstone], *, now_ms: int, refused: bool) -> None:
    """Record that these objects could not be deleted; they can be claimed again after RETRY_DELAY_MS.

    `refused`: the store answered so, so no call that could still delete them is on its way.
    """
    ended = {"fence_item_id": _NEWEST_ITEM_ID} if refused else {}
    _update(tx, tombstones, due_at_ms=now_ms + RETRY_DELAY_MS, **ended)


def purge(tx: Connection, *, now_ms: int) -> None:
    """Remove tombstones that no upload can depend on any more."""
    tx.execute(delete(deleted_objects).where(deleted_objects.c.is_deleted, deleted_objects.c.due_at_ms <= now_ms))


def reject_deleted(lock: CountersLock, outcomes: Collection[Outcome], *, store: str) -> tuple[Outcome, ...]:
    """Return the outcomes, with each STORED one changed to PENDING whose object may have been deleted since.

    That is so when a tombstone exists for its file and the item was dispatched before the object was deleted. Removes
    the tombstones of the other ones' objects.
    """
    stored = [outcome.item_id for outcome in outcomes if outcome.state is ItemState.STORED]
    found = lock.tx.execute(_TOMBSTONES_OF_ITEMS, {"item_ids": stored, "of_store": store}).all()
    possibly_deleted = {row.item_id for row in found if row.may_be_lost}
    revived = [row.id for row in found if row.is_same_object and row.item_id not in possibly_deleted]
    if revived:
        lock.tx.execute(
            delete(deleted_objects).where(deleted_objects.c.id.in_(revived), not_(deleted_objects.c.is_deleted))
        )
    return tuple(_rejected(outcome.item_id) if outcome.item_id in possibly_deleted else outcome for outcome in outcomes)


def _rejected(item_id: int) -> Outcome:
    detail = "The image was deleted while this file was being transferred."
    return Outcome(item_id=item_id, state=ItemState.PENDING, reason=Reason.DELETED, detail=detail)


# An item that was rejected once and dispatched again was uploaded after the object was deleted.
_WAS_UPLOADED_AGAIN = (func.coalesce(items.c.reason, "") == Reason.DELETED.value) & (
    batches.c.state == LedgerState.IN_FLIGHT.value
)
_MAY_BE_LOST = or_(
    deleted_objects.c.fence_item_id.is_(None),
    (items.c.id <= deleted_objects.c.fence_item_id) & not_(_WAS_UPLOADED_AGAIN),
)
_TOMBSTONES_OF_ITEMS = (
    select(
        deleted_objects.c.id,
        items.c.id.label("item_id"),
        case((deleted_objects.c.object_key == items.c.object_key, 1), else_=0).label("is_same_object"),
        case((_MAY_BE_LOST, 1), else_=0).label("may_be_lost"),
    )
    .join(batches, batches.c.id == items.c.batch_id)
    .join(deleted_objects, deleted_objects.c.file_id == items.c.file_id)
    .where(in_list(items.c.id, "item_ids"), deleted_objects.c.store == bindparam("of_store"))
)
_NEWEST_ITEM_ID = select(func.coalesce(func.max(items.c.id), 0)).scalar_subquery()


def _insert_tombstones(tx: Connection, deleted: Iterable[ImageSnapshot], *, store: str, due_at_ms: int) -> None:
    rows = [
        {
            "image_id": image.id,
            "store": store,
            "file_id": image.file_id,
            "object_key": image.object_key,
            "due_at_ms": due_at_ms,
            "is_deleted": False,
        }
        for image in deleted
    ]
    if rows:
        tx.execute(deleted_objects.insert(), rows)


def _update(tx: Connection, tombstones: Sequence[Tombstone], **values: object) -> None:
    if tombstones:
        ids = [tombstone.id for tombstone in tombstones]
        tx.execute(update(deleted_objects).where(deleted_objects.c.id.in_(ids)).values(values))
