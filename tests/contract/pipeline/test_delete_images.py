"""What every catalog holds to: a deleted image leaves nothing, wherever it is cut off and whatever is under way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import items, words
from imageferry.catalog.database.tables import removals as removals_table
from imageferry.catalog.images import counters, deletions, records
from imageferry.catalog.images.counter_rebuild import differences
from imageferry.catalog.ledger import dispatch, outcomes
from imageferry.catalog.search.filters import Filter
from imageferry.clock import now_ms
from imageferry.model import ItemState, Transfer
from imageferry.pipeline.delete_images import discard, discard_job, tidy
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.keys import thumbnail_keys
from imageferry.stores.store import Store
from tests.drivers.image_records import TERMS, Recorder, file, stored
from tests.servers.databases import database


@dataclass(kw_only=True)
class Place:
    """A catalog, a store, and what brings files into both."""

    catalog: Catalog
    store: Store
    recorder: Recorder

    async def bring(self, *file_ids: str) -> list[int]:
        """Import files, objects and all; their images' ids."""
        _, transfers = await self.recorder.begin(*(file(file_id) for file_id in file_ids))
        await self.upload(transfers)
        await self.recorder.finish(transfers)
        rows = await self.catalog.read(lambda tx: records.after(tx, image_id=0, limit=1000))
        return [row.id for row in rows if row.file_id in file_ids]

    async def upload(self, transfers: list[Transfer]) -> None:
        """Write the objects, and a thumbnail of each."""
        for parcel in (parcel for transfer in transfers for parcel in transfer.parcels):
            for key in (parcel.key, thumbnail_keys(parcel.key)[0]):
                await self.store.put(key, b"x", mime_type="image/jpeg")

    async def objects(self) -> int:
        """How many objects the store holds that a file could have brought."""
        keys = [f"root/{file_id}_{file_id}.jpg" for file_id in ("a", "b", "c")]
        standing = [await self.store.head(key) for at in keys for key in (at, *thumbnail_keys(at))]
        return sum(one is not None for one in standing)

    async def count(self) -> int:
        """How many records there are, their account being true."""
        assert await self.catalog.read(differences) == set()
        left = await self.catalog.read(lambda tx: tx.execute(select(func.count(words.c.image_id.distinct()))).scalar())
        total = await self.catalog.read(counters.total)
        assert left == total.images == await self.catalog.read(records.count)
        return total.images


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """An empty catalog, of each kind in turn, and a folder as its store."""
    with database(request.param, tmp_path) as url:
        catalog, store = Catalog(url, patience_s=5), open_store(StoreConfig(url=str(tmp_path / "store")))
        await migrate(catalog)
        yield Place(catalog=catalog, store=store, recorder=Recorder(catalog=catalog, store_url=store.url))
        await catalog.close()


async def test_a_deleted_image_leaves_nothing_and_is_brought_again_by_the_next_import(place: Place) -> None:
    ids = await place.bring("a", "b", "c")
    discarded = await discard([ids[0], ids[0], 10**12], catalog=place.catalog, store=place.store)
    assert (discarded.deleted, discarded.missing, discarded.failed) == (1, 1, {})
    assert (await place.count(), await place.objects()) == (2, 4)
    again = await discard([ids[0]], catalog=place.catalog, store=place.store)
    assert (again.deleted, again.missing) == (0, 1)
    (new,) = await place.bring("a")
    assert new not in ids
    assert (await place.count(), await place.objects()) == (3, 6)


async def test_what_a_filter_leaves_is_deleted_and_nothing_else(place: Place) -> None:
    await place.bring("a", "b", "c")
    discarded = await discard(Filter(words=["b"]), catalog=place.catalog, store=place.store)
    assert (discarded.deleted, await place.count(), await place.objects()) == (1, 2, 4)
    assert (await discard(Filter(words=[]), catalog=place.catalog, store=place.store)).deleted == 0


async def test_a_jobs_images_are_deleted_with_it(place: Place) -> None:
    await place.bring("a")
    job_id = await place.recorder.store(file("b"), file("c"))
    discarded = await discard_job(job_id, catalog=place.catalog, store=place.store)
    assert (discarded.deleted, await place.count()) == (2, 1)


async def test_a_deletion_that_is_cut_off_is_finished_by_whoever_tidies_next(place: Place) -> None:
    ids = await place.bring("a", "b")
    await place.catalog.write(lambda tx: deletions.begin(tx, ids, store=place.store.url, now_ms=now_ms()))
    assert (await place.count(), await place.objects()) == (0, 4)
    await tidy(catalog=place.catalog, store=place.store)
    assert await place.objects() == 4  # somebody may be at it still
    await place.catalog.write(lambda tx: tx.execute(update(removals_table).values(due_ms=0)) and None)
    await tidy(catalog=place.catalog, store=place.store)
    assert await place.objects() == 0


async def test_images_of_another_store_stay_and_it_says_why(place: Place) -> None:
    await Recorder(catalog=place.catalog, store_url="s3://elsewhere").store(file("a"))
    (row,) = await place.catalog.read(lambda tx: records.after(tx, image_id=0, limit=10))
    discarded = await discard([row.id], catalog=place.catalog, store=place.store)
    assert (discarded.deleted, await place.count()) == (0, 1)
    assert "s3://elsewhere" in discarded.failed[row.id]


@pytest.mark.parametrize("uploaded", ["before the deletion", "while it is under way", "after it"])
async def test_an_upload_that_a_deletion_overtakes_ends_with_its_object(place: Place, uploaded: str) -> None:
    ids = await place.bring("a")
    _, transfers = await place.recorder.begin(file("a", content=b"new"))  # a changed file, on its way
    if uploaded == "before the deletion":
        await place.upload(transfers)
    begun = await place.catalog.write(lambda tx: deletions.begin(tx, ids, store=place.store.url, now_ms=now_ms()))
    if uploaded == "while it is under way":
        await place.upload(transfers)
        await place.recorder.finish(transfers)
    await place.store.delete_all(
        [key for one in begun.removals for key in (one.object_key, *thumbnail_keys(one.object_key))]
    )
    await place.catalog.write(lambda tx: deletions.done(tx, begun.removals, now_ms=now_ms()))
    if uploaded == "after it":
        await place.upload(transfers)
    await place.recorder.finish(transfers)
    await _until_settled(place)
    assert (await place.count(), await place.objects()) == (1, 2)


async def _until_settled(place: Place) -> None:
    """Let what was turned back be carried again."""
    pending = select(items.c.job_id).where(items.c.state == ItemState.PENDING)
    while job_id := await place.catalog.read(lambda tx: tx.execute(pending.limit(1)).scalar()):
        found = await place.catalog.write(_dispatching(job_id))
        await place.upload(found)
        for transfer in found:
            await place.catalog.write(_finishing(transfer))


def _dispatching(job_id: str) -> Callable[[Tx], list[Transfer]]:
    def change(tx: Tx) -> list[Transfer]:
        messages = dispatch.dispatch(tx, job_id, terms=TERMS, now_ms=10**15)
        return [message for message in messages if isinstance(message, Transfer)]

    return change


def _finishing(transfer: Transfer) -> Callable[[Tx], None]:
    return lambda tx: outcomes.finish(tx, stored(transfer), terms=TERMS, now_ms=10**15)


async def test_deletions_and_records_at_once_leave_records_and_objects_alike(place: Place) -> None:
    for _ in range(5):
        ids = await place.bring("a", "b", "c")
        _, transfers = await place.recorder.begin(file("a", content=b"new"), file("b", content=b"new"))
        await place.upload(transfers)
        await asyncio.gather(
            place.recorder.finish(transfers),
            discard(ids, catalog=place.catalog, store=place.store),
            discard(ids[:2], catalog=place.catalog, store=place.store),
        )
        await _until_settled(place)
        assert await place.objects() == 2 * await place.count()
        await discard(Filter(folder_id="root"), catalog=place.catalog, store=place.store)
        assert (await place.objects(), await place.count()) == (0, 0)
