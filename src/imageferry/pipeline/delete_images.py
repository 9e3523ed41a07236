"""Deletes images with their objects and thumbnails. Interrupted deletions are finished later, so nothing is left."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from msgspec import Struct, field

from imageferry.catalog.database.connection import TransactionRunner, Tx
from imageferry.catalog.images import deletions, records
from imageferry.catalog.images.deletions import DeletedRecords, Tombstone
from imageferry.catalog.ledger import job_actions
from imageferry.catalog.search.filters import Filter, Sort
from imageferry.catalog.search.image_search import ImageSearch, PageSlice
from imageferry.catalog.search.index_scan import Position
from imageferry.clock import now_ms
from imageferry.errors import ImageferryError, NotPermittedError
from imageferry.log import log
from imageferry.pipeline.reconcile_cancelled import reconcile_cancelled
from imageferry.stores.keys import thumbnail_keys
from imageferry.stores.store import Store

# In one transaction, and in one call to the store.
IMAGES_PER_STEP = 200


class DeletionSummary(Struct, kw_only=True):
    """The result of a deletion."""

    deleted: int = 0
    missing: int = 0  # they were deleted before
    failed: dict[int, str] = field(default_factory=dict)  # image id -> why its record or its object still exists


async def delete_with_objects(
    selection: Filter | Sequence[int], *, catalog: TransactionRunner, store: Store
) -> DeletionSummary:
    """Delete images, by id or all that match a filter now: first the records, then the objects and thumbnails.

    Objects that the store does not delete now, or that are left when this process dies, are deleted later by
    `finish_deletions`, in this process or another. If their folder is imported again, the files are transferred
    again. Idempotent.
    """
    summary = DeletionSummary()
    async for image_ids in _steps(selection, catalog):
        result = await catalog.write(_deletion(image_ids, store.url))
        summary.missing += result.missing
        for image_id, url in result.in_other_store.items():
            summary.failed[image_id] = f"It is in a different storage ({url}) than the configured one."
        failure = await _delete_objects(result.tombstones, catalog=catalog, store=store)
        if failure is None:
            summary.deleted += len(result.tombstones)
        else:
            summary.failed |= dict.fromkeys((tombstone.image_id for tombstone in result.tombstones), failure)
    return summary


async def finish_deletions(*, catalog: TransactionRunner, store: Store) -> None:
    """Finish interrupted work: delete the objects of deleted images, and reconcile and discard cancelled jobs."""
    while tombstones := await catalog.write(
        lambda tx: deletions.claim(tx, store=store.url, now_ms=now_ms(), limit=IMAGES_PER_STEP)
    ):
        if await _delete_objects(tombstones, catalog=catalog, store=store) is not None:
            break
    await catalog.write(lambda tx: deletions.purge(tx, now_ms=now_ms()))
    await reconcile_cancelled(catalog=catalog, store=store)
    for job_id in await catalog.read(job_actions.pending_discards):
        await delete_job_images(job_id, catalog=catalog, store=store)


async def delete_job_images(job_id: str, *, catalog: TransactionRunner, store: Store) -> DeletionSummary:
    """Delete the images whose newest version a job stored, and mark them in the job as deleted."""
    summary = await delete_with_objects(Filter(job_id=job_id), catalog=catalog, store=store)
    while not await catalog.write(lambda tx: job_actions.mark_images_deleted(tx, job_id)):
        pass
    return summary


async def _steps(selection: Filter | Sequence[int], catalog: TransactionRunner) -> AsyncIterator[Sequence[int]]:
    if not isinstance(selection, Filter):
        ids = list(dict.fromkeys(selection))
        for start in range(0, len(ids), IMAGES_PER_STEP):
            yield ids[start : start + IMAGES_PER_STEP]
        return
    newest_id = await catalog.read(records.newest_id)
    position: Position | None = None
    while True:
        page = await catalog.read(_page_after(selection, position))
        if ids := [row.id for row in page.rows if row.id <= newest_id]:
            yield ids
        position = page.next_position
        if position is None or position.image_id >= newest_id:
            break


def _deletion(image_ids: Sequence[int], store_url: str) -> Callable[[Tx], DeletedRecords]:
    return lambda tx: deletions.delete_records(tx, image_ids, store=store_url, now_ms=now_ms())


def _page_after(selection: Filter, position: Position | None) -> Callable[[Tx], PageSlice]:
    return lambda tx: ImageSearch.open(tx, selection).page_after(Sort.CREATED, limit=IMAGES_PER_STEP, after=position)


async def _delete_objects(tombstones: Sequence[Tombstone], *, catalog: TransactionRunner, store: Store) -> str | None:
    """Delete objects and their thumbnails. Return None, or why they could not be deleted."""
    if not tombstones:
        return None
    try:
        await store.delete_all(list(_keys(tombstones)))
    except ImageferryError as exc:
        log.warning("deletion.postponed", objects=len(tombstones), detail=exc.message)
        refused = isinstance(exc, NotPermittedError)
        await catalog.write(lambda tx: deletions.postpone(tx, tombstones, now_ms=now_ms(), refused=refused))
        return f"{exc.message} The image's record is deleted. Its object is deleted when the storage allows it."
    await catalog.write(lambda tx: deletions.mark_deleted(tx, tombstones, now_ms=now_ms()))
    return None


def _keys(tombstones: Sequence[Tombstone]) -> Iterator[str]:
    for tombstone in tombstones:
        yield from thumbnail_keys(tombstone.object_key)
        yield tombstone.object_key
