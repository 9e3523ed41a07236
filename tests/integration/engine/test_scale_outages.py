"""Parts that go away while a job goes on over a broker, and come back."""

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest

from imageferry.catalog.database.tables import batches
from imageferry.cli.handlers.import_ import Ending
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.workers import LATENCY_S, Crew, progress
from tests.servers.brokers import line
from tests.servers.s3 import S3, Call, Trouble

pytestmark = pytest.mark.integration

# How long a part is away; in full, IMAGEFERRY_TEST_OUTAGE=30.
OUTAGE_S = float(os.environ.get("IMAGEFERRY_TEST_OUTAGE", "4"))
FILES = 600
FOLDERS = 6
GIVEN_BACK_WITHIN_S = 30


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """A source that takes its time, so that an outage meets work."""
    async with StandIn(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


async def test_a_broker_that_loses_everything_loses_no_file(tree: Tree, crew: Crew) -> None:
    await crew.start(processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for files in (0, FILES // 4, FILES // 2):
        await progress(crew.flow, importing, files=files)
        crew.broker.wipe()

    await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_a_broker_that_restarts_is_gone_on_with(tree: Tree, crew: Crew) -> None:
    async with line(crew.broker.url) as cuttable:
        crew.environment["CELERY_BROKER_URL"] = cuttable.url
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await progress(crew.flow, importing, files=FILES // 4)

        await cuttable.cut(OUTAGE_S)

        await _all_stored(crew, importing)


async def test_a_broker_that_is_gone_without_a_word_is_noticed(tree: Tree, crew: Crew) -> None:
    async with line(crew.broker.url) as quiet:
        crew.environment["CELERY_BROKER_URL"] = quiet.url
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await progress(crew.flow, importing, files=FILES // 4)

        quiet.go_dead()

        await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_a_catalog_that_is_away_for_a_while_misses_no_outcome(tree: Tree, crew: Crew) -> None:
    async with line(crew.flow.settings.catalog_url) as cuttable:
        crew.environment["DATABASE_URL"] = cuttable.url
        await crew.start("crawl,record")
        await crew.start("transfer")
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await progress(crew.flow, importing, files=FILES // 4)

        await cuttable.cut(OUTAGE_S)

        await _all_stored(crew, importing)


async def test_a_worker_that_starts_while_its_catalog_is_away_begins_once_it_is_back(tree: Tree, crew: Crew) -> None:
    async with line(crew.flow.settings.catalog_url) as cuttable:
        crew.environment["DATABASE_URL"] = cuttable.url
        cuttable.sever()
        worker = await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await worker.says("worker.waits", times=2)

        cuttable.mend()

        await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_a_store_that_refuses_for_a_while_is_waited_for(tree: Tree, crew: Crew) -> None:
    async with S3() as s3:
        crew.flow.given |= s3.settings
        crew.flow.held = s3.held
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await progress(crew.flow, importing, files=FILES // 4)

        s3.goes_wrong(Trouble.SLOW_DOWN, on=Call.PUT)
        await asyncio.sleep(OUTAGE_S)
        s3.recovers()

        await _all_stored(crew, importing)


async def test_a_worker_that_is_asked_to_end_gives_its_work_back_at_once(tree: Tree, crew: Crew) -> None:
    await crew.start("crawl,record")
    first = await crew.start("transfer", processes=2)
    crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=1, times=None))
    importing = asyncio.create_task(crew.flow.run(_album(tree)))
    await progress(crew.flow, importing, files=FILES // 4)
    asked_s = time.monotonic()

    assert await first.stop() == 0

    assert time.monotonic() - asked_s < GIVEN_BACK_WITHIN_S
    assert not importing.done()
    crew.flow.drive.faults.clear()
    await crew.start("transfer", processes=2)
    await _all_stored(crew, importing)
    assert set(crew.flow.drive.requests.downloads_by_file.values()) == {1}


async def test_a_recorder_that_was_frozen_past_its_lease_changes_nothing_afterwards(tree: Tree, crew: Crew) -> None:
    await crew.start("crawl,transfer")
    frozen = await crew.start("record")
    importing = asyncio.create_task(crew.flow.run(_album(tree)))
    await progress(crew.flow, importing, files=FILES // 4)
    frozen.freeze()
    await crew.start("record")

    await _all_stored(crew, importing)
    before = await crew.flow.rows(batches)
    frozen.thaw()
    await asyncio.sleep(1)

    assert await crew.flow.rows(batches) == before
    await crew.flow.holds_together(await crew.flow.job())


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root


async def _all_stored(crew: Crew, importing: asyncio.Task[Ending]) -> None:
    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await crew.flow.holds_together(ending)
