"""The event broadcaster and its subscribers."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import jobs
from imageferry.gateway.event_stream.broadcaster import (
    QUEUED_CHUNKS_MAX,
    open_broadcaster,
)
from tests.drivers.jobs import JOB

POLL_INTERVAL_S = 0.01


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(opened)
    yield opened
    await opened.close()


async def record_deletion(catalog: Catalog, image_id: int) -> None:
    await catalog.write(lambda tx: event_log.images_deleted(tx, [image_id]))


async def test_a_slow_subscriber_is_disconnected_and_the_others_receive_everything(catalog: Catalog) -> None:
    async with open_broadcaster(catalog, poll_interval_s=POLL_INTERVAL_S) as broadcaster:
        slow, fast = broadcaster.subscribe(None), broadcaster.subscribe(None)
        await anext(slow)
        await anext(fast)
        received = b""
        for number in range(QUEUED_CHUNKS_MAX + 2):
            await record_deletion(catalog, number)
            while b'{"ids":[%d]}' % number not in received:
                received += await anext(fast)
        last_chunks = [chunk async for chunk in slow]
        assert len(last_chunks) == 1
        assert last_chunks[0].startswith(b"event: reset\n")


async def test_a_job_that_changes_often_within_an_interval_is_sent_once_in_its_final_state(catalog: Catalog) -> None:
    def change_often(tx: Tx) -> None:
        jobs.create(tx, JOB)
        for number in range(50):
            jobs.save(tx, replace(JOB, discovered=100, stored=number))

    async with open_broadcaster(catalog, poll_interval_s=POLL_INTERVAL_S) as broadcaster:
        subscription = broadcaster.subscribe(None)
        await anext(subscription)
        await catalog.write(change_often)
        chunk = await anext(subscription)
        assert chunk.count(b"event: job\n") == chunk.count(b"event: images\n") == 1
        assert b'"stored":49,' in chunk


async def test_an_images_event_is_sent_again_after_all_images_of_a_job_were_discarded(catalog: Catalog) -> None:
    def save(tx: Tx, stored: int) -> None:
        jobs.save(tx, replace(JOB, discovered=100, stored=stored))

    await catalog.write(lambda tx: jobs.create(tx, JOB))
    async with open_broadcaster(catalog, poll_interval_s=POLL_INTERVAL_S) as broadcaster:
        subscription = broadcaster.subscribe(None)
        while b"id: 1\n" not in await anext(subscription):  # the event of its creation
            pass
        for stored, has_event in ((5, True), (0, False), (3, True), (3, False), (4, True)):
            await catalog.write(partial(save, stored=stored))
            while b'"stored":%d,' % stored not in (chunk := await anext(subscription)):
                pass
            assert (b"event: images\n" in chunk) == has_event


async def test_a_job_that_no_longer_exists_is_not_sent(catalog: Catalog) -> None:
    await catalog.write(lambda tx: event_log.job_changed(tx, JOB))
    async with open_broadcaster(catalog, poll_interval_s=POLL_INTERVAL_S) as broadcaster:
        subscription = broadcaster.subscribe(None)
        while (chunk := await anext(subscription)) != b"id: 1\n\n":
            assert b"event:" not in chunk
