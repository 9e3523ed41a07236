"""Removals: objects whose images were deleted, until they are gone, and a while longer.

A removal is written with the deletion of its image and outlives any process, so no object is left behind. An upload of
the same file that was under way at that time may have been destroyed by it: such an outcome is turned back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, delete, func, not_, or_, select, update

from imageferry.catalog.database.in_list import among
from imageferry.catalog.database.row_locks import holding
from imageferry.catalog.database.tables import batches, images, items, removals
from imageferry.catalog.events import event_log
from imageferry.catalog.images import counters, snapshots, word_index
from imageferry.catalog.images.snapshots import ImageState
from imageferry.errors import Reason
from imageferry.model import ItemState, LedgerState, Outcome

# Longer than a store takes for one call with all its repetitions.
LEASE_MS = 10 * 60_000
AGAIN_MS = 60_000
# Longer than any upload is under way.
KEPT_MS = 24 * 3_600_000


class Removal(Struct, frozen=True, kw_only=True):
    """An object that is to go."""

    id: int
    image_id: int
    object_key: str


class Begun(Struct, frozen=True, kw_only=True):
    """What became of the records of images that were to be deleted."""

    removals: list[Removal]  # they are gone; their objects are to go, by whoever is told so here
    missing: int  # they were gone before
    elsewhere: dict[int, str]  # they are still there, for their objects stand in another store: its URL


def begin(tx: Connection, image_ids: Collection[int], *, store: str, now_ms: int) -> Begun:
    """Delete the records of images, and write down that their objects are to go."""
    counters.lock(tx)
    stores = select(images.c.id, images.c.store).where(images.c.id.in_(image_ids)).order_by(images.c.id)
    found = tx.execute(stores).all()
    ids = [row.id for row in found if row.store == store]
    if ids:
        before = snapshots.of_images(tx, ids)
        tx.execute(delete(images).where(images.c.id.in_(ids)))
        counters.change(tx, before=before, after={})
        word_index.change(tx, before=before, after={})
        event_log.images_deleted(tx, ids)
        _write(tx, before.values(), store=store, due_ms=now_ms + LEASE_MS)
    begun = select(removals.c.id, removals.c.image_id, removals.c.object_key).where(removals.c.image_id.in_(ids))
    return Begun(
        removals=[Removal(id=row.id, image_id=row.image_id, object_key=row.object_key) for row in tx.execute(begun)],
        missing=len(set(image_ids)) - len(found),
        elsewhere={row.id: row.store for row in found if row.store != store},
    )


def replaced(tx: Connection, *, before: Mapping[int, ImageState], after: Mapping[int, ImageState], store: str) -> None:
    """Write down that objects are to go whose images have another one now: two jobs met a file in different folders."""
    left = [was for was in before.values() if was.id in after and after[was.id].object_key != was.object_key]
    _write(tx, left, store=store, due_ms=0)


def take(tx: Connection, *, store: str, now_ms: int, limit: int) -> list[Removal]:
    """Removals that nobody works on any more; they are the caller's for as long as a lease lasts."""
    waiting = (removals.c.store == store, removals.c.item_id_max.is_(None))
    # A time further ahead than a lease was written before the clock was set back.
    due = or_(removals.c.due_ms <= now_ms, removals.c.due_ms > now_ms + LEASE_MS)
    query = holding(select(removals).where(*waiting, due).order_by(removals.c.id).limit(limit), removals)
    taken = [Removal(id=row.id, image_id=row.image_id, object_key=row.object_key) for row in tx.execute(query)]
    _set_due(tx, taken, due_ms=now_ms + LEASE_MS)
    return taken


def done(tx: Connection, gone: Sequence[Removal], *, now_ms: int) -> None:
    """Write that objects are gone: uploads that were begun before may have gone with them."""
    newest = select(func.coalesce(func.max(items.c.id), 0)).scalar_subquery()
    over = {"item_id_max": newest, "due_ms": now_ms + KEPT_MS}
    tx.execute(update(removals).where(removals.c.id.in_([removal.id for removal in gone])).values(over))


def put_off(tx: Connection, left: Sequence[Removal], *, now_ms: int) -> None:
    """Write that objects could not be removed now."""
    _set_due(tx, left, due_ms=now_ms + AGAIN_MS)


def forget(tx: Connection, *, now_ms: int) -> None:
    """Let go of removals that nothing can be mistaken by any more."""
    tx.execute(delete(removals).where(removals.c.item_id_max.is_not(None), removals.c.due_ms <= now_ms))


def turned_back(tx: Connection, outcomes: Collection[Outcome], *, store: str) -> tuple[Outcome, ...]:
    """The outcomes, those to be tried again whose object may be gone with a deleted image; after `tallies.lock`."""
    stored = [outcome.item_id for outcome in outcomes if outcome.state is ItemState.STORED]
    doubtful = set(tx.execute(_DOUBTFUL, {"item_ids": stored, "in_store": store}).scalars())
    return tuple(_back(outcome.item_id) if outcome.item_id in doubtful else outcome for outcome in outcomes)


def _back(item_id: int) -> Outcome:
    detail = "The image was deleted while this file was on its way."
    return Outcome(item_id=item_id, state=ItemState.PENDING, reason=Reason.DELETED, detail=detail)


# Turned back once and given out again, an item is uploaded again after the object was gone.
_UPLOADED_AGAIN = (func.coalesce(items.c.reason, "") == Reason.DELETED.value) & (
    batches.c.state == LedgerState.IN_FLIGHT.value
)
_DOUBTFUL = (
    select(items.c.id)
    .join(batches, batches.c.id == items.c.batch_id)
    .join(removals, removals.c.file_id == items.c.file_id)
    .where(
        among(items.c.id, "item_ids"),
        removals.c.store == bindparam("in_store"),
        or_(removals.c.item_id_max.is_(None), (items.c.id <= removals.c.item_id_max) & not_(_UPLOADED_AGAIN)),
    )
)


def _write(tx: Connection, some: Iterable[ImageState], *, store: str, due_ms: int) -> None:
    """Write down that the objects of images are to go, by whoever takes them once they are due."""
    written = [
        {
            "image_id": image.id,
            "store": store,
            "file_id": image.file_id,
            "object_key": image.object_key,
            "due_ms": due_ms,
        }
        for image in some
    ]
    if written:
        tx.execute(removals.insert(), written)


def _set_due(tx: Connection, some: Sequence[Removal], *, due_ms: int) -> None:
    if some:
        ids = [removal.id for removal in some]
        tx.execute(update(removals).where(removals.c.id.in_(ids)).values(due_ms=due_ms))
