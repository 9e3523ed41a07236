"""Contract of every catalog: a deletion leaves no record or object, even if interrupted or concurrent with imports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import deleted_objects, image_words, items
from imageferry.catalog.images import counters, deletions, records
from imageferry.catalog.images.counter_rebuild import find_differences
from imageferry.catalog.ledger import dispatch, outcomes
from imageferry.catalog.search.filters import Filter
from imageferry.clock import now_ms
from imageferry.model import ItemState, Transfer
from imageferry.pipeline.delete_images import delete_job_images, delete_with_objects, finish_deletions
from imageferry.stores.factory import StoreConfig, open_store
from imageferry.stores.keys import thumbnail_keys
from imageferry.stores.s3_options import AwsAccess
from imageferry.stores.store import Store
from tests.drivers.image_records import POLICY, ImageRecorder, image_file, stored_record
from tests.servers.databases import database
from tests.servers.s3 import FakeS3

DELETE = "s3:DeleteObject"


@dataclass(kw_only=True)
class Library:
    """A catalog and a store, and a recorder that imports files into both."""

    catalog: Catalog
    store: Store
    recorder: ImageRecorder

    async def add(self, *file_ids: str) -> list[int]:
        """Import files with their objects. Return the ids of their images."""
        _, transfers = await self.recorder.start(*(image_file(file_id) for file_id in file_ids))
        await self.upload(transfers)
        await self.recorder.finish(transfers)
        rows = await self.catalog.read(lambda tx: records.page_after(tx, image_id=0, limit=1000))
        return [row.id for row in rows if row.file_id in file_ids]

    async def upload(self, transfers: list[Transfer]) -> None:
        """Write the objects and a thumbnail of each."""
        for item in (item for transfer in transfers for item in transfer.items):
            for key in (item.object_key, thumbnail_keys(item.object_key)[0]):
                await self.store.put(key, b"x", mime_type="image/jpeg")

    async def count_objects(self) -> int:
        """Count the objects and thumbnails of the files that these tests import."""
        keys = [f"root/{file_id}_{file_id}.jpg" for file_id in ("a", "b", "c")]
        infos = [await self.store.head(each) for key in keys for each in (key, *thumbnail_keys(key))]
        return sum(info is not None for info in infos)

    async def count_images(self) -> int:
        """Count the images, and check that the counters and the word index agree with the records."""
        assert await self.catalog.read(find_differences) == set()
        indexed = await self.catalog.read(
            lambda tx: tx.execute(select(func.count(image_words.c.image_id.distinct()))).scalar()
        )
        total = await self.catalog.read(counters.total)
        assert indexed == total.images == await self.catalog.read(records.count)
        return total.images


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
async def library(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Library]:
    """Yield an empty catalog of each kind, and a folder as its store."""
    with database(request.param, tmp_path) as url:
        catalog, store = Catalog(url, retry_timeout_s=5), open_store(StoreConfig(url=str(tmp_path / "store")))
        await migrate(catalog)
        yield Library(catalog=catalog, store=store, recorder=ImageRecorder(catalog=catalog, store_url=store.url))
        await catalog.close()


async def test_a_deleted_image_leaves_nothing_and_the_next_import_stores_it_again(library: Library) -> None:
    ids = await library.add("a", "b", "c")
    summary = await delete_with_objects([ids[0], ids[0], 10**12], catalog=library.catalog, store=library.store)
    assert (summary.deleted, summary.missing, summary.failed) == (1, 1, {})
    assert (await library.count_images(), await library.count_objects()) == (2, 4)
    again = await delete_with_objects([ids[0]], catalog=library.catalog, store=library.store)
    assert (again.deleted, again.missing) == (0, 1)
    (new,) = await library.add("a")
    assert new not in ids
    assert (await library.count_images(), await library.count_objects()) == (3, 6)


@pytest.mark.parametrize("during_import", [False, True])
async def test_an_object_whose_deletion_the_store_refuses_can_be_stored_again_and_is_then_kept(
    library: Library, *, during_import: bool
) -> None:
    async with FakeS3(denied={DELETE}) as s3, in_bucket(library, s3) as bucket:
        ids = await bucket.add("a", "b")
        _, transfers = await bucket.recorder.start(image_file("a", content=b"new")) if during_import else (None, [])
        summary = await delete_with_objects(ids, catalog=bucket.catalog, store=bucket.store)
        assert summary.failed.keys() == {*ids}
        assert all(DELETE in reason for reason in summary.failed.values())
        if during_import:
            await bucket.upload(transfers)
            await bucket.recorder.finish(transfers)
            await _run_until_complete(bucket)
        else:
            await bucket.add("a")
        assert (await bucket.count_images(), await bucket.count_objects()) == (1, 4)

        s3.denied.clear()
        await bucket.catalog.write(lambda tx: tx.execute(update(deleted_objects).values(due_at_ms=0)) and None)
        await finish_deletions(catalog=bucket.catalog, store=bucket.store)
        assert (await bucket.count_images(), await bucket.count_objects()) == (1, 2)


@asynccontextmanager
async def in_bucket(library: Library, s3: FakeS3) -> AsyncIterator[Library]:
    """Yield a library with the same catalog and a bucket."""
    access = AwsAccess(access_key_id="key", secret_access_key="secret", endpoint_url=s3.settings["aws_endpoint_url"])
    store = open_store(StoreConfig(url=s3.settings["store_url"], aws=access))
    recorder = ImageRecorder(catalog=library.catalog, store_url=store.url)
    yield Library(catalog=library.catalog, store=store, recorder=recorder)
    await store.close()


async def test_only_the_images_that_match_a_filter_are_deleted(library: Library) -> None:
    await library.add("a", "b", "c")
    summary = await delete_with_objects(Filter(words=["b"]), catalog=library.catalog, store=library.store)
    assert (summary.deleted, await library.count_images(), await library.count_objects()) == (1, 2, 4)
    assert (await delete_with_objects(Filter(words=[]), catalog=library.catalog, store=library.store)).deleted == 0


async def test_only_the_images_of_a_job_are_deleted(library: Library) -> None:
    await library.add("a")
    job_id = await library.recorder.store(image_file("b"), image_file("c"))
    summary = await delete_job_images(job_id, catalog=library.catalog, store=library.store)
    assert (summary.deleted, await library.count_images()) == (2, 1)


async def test_an_interrupted_deletion_is_finished_when_its_lease_has_ended(library: Library) -> None:
    ids = await library.add("a", "b")
    await library.catalog.write(lambda tx: deletions.delete_records(tx, ids, store=library.store.url, now_ms=now_ms()))
    assert (await library.count_images(), await library.count_objects()) == (0, 4)
    await finish_deletions(catalog=library.catalog, store=library.store)
    assert await library.count_objects() == 4  # another process may still be deleting them
    await library.catalog.write(lambda tx: tx.execute(update(deleted_objects).values(due_at_ms=0)) and None)
    await finish_deletions(catalog=library.catalog, store=library.store)
    assert await library.count_objects() == 0


async def test_images_of_another_store_are_kept_and_the_result_says_why(library: Library) -> None:
    await ImageRecorder(catalog=library.catalog, store_url="s3://elsewhere").store(image_file("a"))
    (row,) = await library.catalog.read(lambda tx: records.page_after(tx, image_id=0, limit=10))
    summary = await delete_with_objects([row.id], catalog=library.catalog, store=library.store)
    assert (summary.deleted, await library.count_images()) == (0, 1)
    assert "s3://elsewhere" in summary.failed[row.id]


@pytest.mark.parametrize("uploaded", ["before the deletion", "during the deletion", "after the deletion"])
async def test_an_upload_concurrent_with_a_deletion_ends_with_its_object(library: Library, uploaded: str) -> None:
    ids = await library.add("a")
    _, transfers = await library.recorder.start(image_file("a", content=b"new"))  # a changed file, in transfer
    if uploaded == "before the deletion":
        await library.upload(transfers)
    result = await library.catalog.write(
        lambda tx: deletions.delete_records(tx, ids, store=library.store.url, now_ms=now_ms())
    )
    if uploaded == "during the deletion":
        await library.upload(transfers)
        await library.recorder.finish(transfers)
    await library.store.delete_all(
        [
            key
            for tombstone in result.tombstones
            for key in (tombstone.object_key, *thumbnail_keys(tombstone.object_key))
        ]
    )
    await library.catalog.write(lambda tx: deletions.mark_deleted(tx, result.tombstones, now_ms=now_ms()))
    if uploaded == "after the deletion":
        await library.upload(transfers)
    await library.recorder.finish(transfers)
    await _run_until_complete(library)
    assert (await library.count_images(), await library.count_objects()) == (1, 2)


async def _run_until_complete(library: Library) -> None:
    """Transfer the rejected items again."""
    pending = select(items.c.job_id).where(items.c.state == ItemState.PENDING)
    while job_id := await library.catalog.read(lambda tx: tx.execute(pending.limit(1)).scalar()):
        transfers = await library.catalog.write(_dispatch(job_id))
        await library.upload(transfers)
        for transfer in transfers:
            await library.catalog.write(_record(transfer))


def _dispatch(job_id: str) -> Callable[[Tx], list[Transfer]]:
    def change(tx: Tx) -> list[Transfer]:
        messages = dispatch.dispatch(tx, job_id, policy=POLICY, now_ms=10**15)
        return [message for message in messages if isinstance(message, Transfer)]

    return change


def _record(transfer: Transfer) -> Callable[[Tx], None]:
    return lambda tx: outcomes.record_outcomes(tx, stored_record(transfer), policy=POLICY, now_ms=10**15)


async def test_after_concurrent_deletions_and_imports_each_record_has_its_object(library: Library) -> None:
    for _ in range(5):
        ids = await library.add("a", "b", "c")
        _, transfers = await library.recorder.start(image_file("a", content=b"new"), image_file("b", content=b"new"))
        await library.upload(transfers)
        await asyncio.gather(
            library.recorder.finish(transfers),
            delete_with_objects(ids, catalog=library.catalog, store=library.store),
            delete_with_objects(ids[:2], catalog=library.catalog, store=library.store),
        )
        await _run_until_complete(library)
        assert await library.count_objects() == 2 * await library.count_images()
        await delete_with_objects(Filter(folder_id="root"), catalog=library.catalog, store=library.store)
        assert (await library.count_objects(), await library.count_images()) == (0, 0)
