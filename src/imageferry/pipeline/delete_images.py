"""Discarding: images with their objects and thumbnails, so that nothing is left wherever it is cut off."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from msgspec import Struct, field

from imageferry.catalog.database.connection import Transactions, Tx
from imageferry.catalog.images import deletions, records
from imageferry.catalog.images.deletions import Begun, Removal
from imageferry.catalog.ledger import job_actions
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import Listing, Stretch
from imageferry.catalog.search.index_scan import Position
from imageferry.clock import now_ms
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.pipeline.reconcile_cancelled import adopt
from imageferry.stores.keys import thumbnail_keys
from imageferry.stores.store import Store

# Images of one transaction, and of one call to the store.
STEP = 200


class Discarded(Struct, kw_only=True):
    """What became of images that were to be discarded."""

    deleted: int = 0
    missing: int = 0  # they were gone before
    failed: dict[int, str] = field(default_factory=dict)  # ids, and why: they, or their objects, are still there


async def discard(wanted: Filter | Sequence[int], *, catalog: Transactions, store: Store) -> Discarded:
    """Delete images, by their ids or all that a filter leaves now: the records first, then objects and thumbnails.

    What the store does not remove at present goes later, by `tidy`, in this process or another; so does what is left
    when this process dies. Imported again, the files are brought again. Idempotent.
    """
    discarded = Discarded()
    async for image_ids in _steps(wanted, catalog):
        begun = await catalog.write(_beginning(image_ids, store.url))
        discarded.missing += begun.missing
        for image_id, url in begun.elsewhere.items():
            discarded.failed[image_id] = f"It stands in another store, {url}, which is not the one that is open."
        failure = await _remove(begun.removals, catalog=catalog, store=store)
        if failure is None:
            discarded.deleted += len(begun.removals)
        else:
            discarded.failed |= dict.fromkeys((removal.image_id for removal in begun.removals), failure)
    return discarded


async def tidy(*, catalog: Transactions, store: Store) -> None:
    """Finish what was cut off: objects of deleted images, and what cancelled jobs leave behind, or are not to."""
    while left := await catalog.write(lambda tx: deletions.take(tx, store=store.url, now_ms=now_ms(), limit=STEP)):
        if await _remove(left, catalog=catalog, store=store) is not None:
            break
    await catalog.write(lambda tx: deletions.forget(tx, now_ms=now_ms()))
    await adopt(catalog=catalog, store=store)
    for job_id in await catalog.read(job_actions.to_discard):
        await discard_job(job_id, catalog=catalog, store=store)


async def discard_job(job_id: str, *, catalog: Transactions, store: Store) -> Discarded:
    """Delete the images that a job stored last, and write on it that they are gone."""
    discarded = await discard(Filter(job_id=job_id), catalog=catalog, store=store)
    while not await catalog.write(lambda tx: job_actions.discarded(tx, job_id)):
        pass
    return discarded


async def _steps(wanted: Filter | Sequence[int], catalog: Transactions) -> AsyncIterator[Sequence[int]]:
    if not isinstance(wanted, Filter):
        ids = list(dict.fromkeys(wanted))
        for start in range(0, len(ids), STEP):
            yield ids[start : start + STEP]
        return
    newest = await catalog.read(records.newest_id)
    at: Position | None = None
    while True:
        stretch = await catalog.read(_following(wanted, at))
        if ids := [row.id for row in stretch.rows if row.id <= newest]:
            yield ids
        at = stretch.end
        if at is None or at.image_id >= newest:
            break


def _beginning(image_ids: Sequence[int], store_url: str) -> Callable[[Tx], Begun]:
    return lambda tx: deletions.begin(tx, image_ids, store=store_url, now_ms=now_ms())


def _following(wanted: Filter, at: Position | None) -> Callable[[Tx], Stretch]:
    return lambda tx: Listing(tx, wanted).after(Sort.CREATED, limit=STEP, at=at)


async def _remove(some: Sequence[Removal], *, catalog: Transactions, store: Store) -> str | None:
    """Remove objects and their thumbnails; why they could not be."""
    if not some:
        return None
    try:
        await store.delete_all(list(_keys(some)))
    except ImageferryError as exc:
        log.warning("removal.put_off", objects=len(some), detail=exc.message)
        await catalog.write(lambda tx: deletions.put_off(tx, some, now_ms=now_ms()))
        return f"{exc.message} Its record is deleted; its object is removed as soon as the store permits."
    await catalog.write(lambda tx: deletions.done(tx, some, now_ms=now_ms()))
    return None


def _keys(some: Sequence[Removal]) -> Iterator[str]:
    for removal in some:
        yield from thumbnail_keys(removal.object_key)
        yield removal.object_key
