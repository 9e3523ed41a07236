"""The feed and those who watch it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import jobs
from imageferry.errors import TransientError
from imageferry.gateway.event_stream.broadcaster import TICKS_BEHIND_MAX, WATCHERS_MAX, Feed, feeding
from tests.drivers.jobs import JOB

TICK_S = 0.01


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(opened)
    yield opened
    await opened.close()


async def deletion(catalog: Catalog, image_id: int) -> None:
    await catalog.write(lambda tx: event_log.images_deleted(tx, [image_id]))


async def test_one_who_does_not_keep_up_is_cut_off_and_the_others_hear_everything(catalog: Catalog) -> None:
    async with feeding(catalog, tick_s=TICK_S) as feed:
        slow, quick = feed.watch(None), feed.watch(None)
        await anext(slow)
        await anext(quick)
        heard = b""
        for number in range(TICKS_BEHIND_MAX + 2):
            await deletion(catalog, number)
            while b'{"ids":[%d]}' % number not in heard:
                heard += await anext(quick)
        last_words = [chunk async for chunk in slow]
        assert len(last_words) == 1
        assert last_words[0].startswith(b"event: reset\n")


async def test_a_job_that_changed_often_within_a_tick_is_told_once_as_it_is_then(catalog: Catalog) -> None:
    def often(tx: Tx) -> None:
        jobs.accept(tx, JOB)
        for number in range(50):
            jobs.save(tx, replace(JOB, discovered=100, stored=number))

    async with feeding(catalog, tick_s=TICK_S) as feed:
        watching = feed.watch(None)
        await anext(watching)
        await catalog.write(often)
        chunk = await anext(watching)
        assert chunk.count(b"event: job\n") == chunk.count(b"event: images\n") == 1
        assert b'"stored":49,' in chunk


async def test_images_are_told_again_after_all_that_a_job_stored_was_discarded(catalog: Catalog) -> None:
    def save(tx: Tx, stored: int) -> None:
        jobs.save(tx, replace(JOB, discovered=100, stored=stored))

    await catalog.write(lambda tx: jobs.accept(tx, JOB))
    async with feeding(catalog, tick_s=TICK_S) as feed:
        watching = feed.watch(None)
        await anext(watching)
        for stored, told in ((5, True), (0, False), (3, True), (3, False), (4, True)):
            await catalog.write(partial(save, stored=stored))
            while b'"stored":%d,' % stored not in (chunk := await anext(watching)):
                pass
            assert (b"event: images\n" in chunk) == told


async def test_a_job_that_is_gone_by_then_is_not_told_of(catalog: Catalog) -> None:
    await catalog.write(lambda tx: event_log.job_changed(tx, JOB))
    async with feeding(catalog, tick_s=TICK_S) as feed:
        watching = feed.watch(None)
        while (chunk := await anext(watching)) != b"id: 1\n\n":
            assert b"event:" not in chunk


async def test_more_watchers_than_there_is_room_for_are_sent_away(catalog: Catalog) -> None:
    feed = Feed(catalog)
    watching = [feed.watch(None) for _ in range(WATCHERS_MAX)]
    await asyncio.gather(*(anext(one) for one in watching))
    with pytest.raises(TransientError):
        await anext(feed.watch(None))
    await watching[0].aclose()
    await anext(feed.watch(None))
