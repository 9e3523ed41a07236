"""Outages of single components while a job runs over a broker."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from imageferry.application.results import ImportResult
from imageferry.catalog.database.tables import batches
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.workers import LATENCY_S, WorkerGroup, wait_for_progress
from tests.servers.brokers import cuttable_proxy
from tests.servers.s3 import FakeS3, S3Fault, S3Operation

pytestmark = pytest.mark.integration

# How long a part is away; in full, IMAGEFERRY_TEST_OUTAGE=30.
OUTAGE_S = float(os.environ.get("IMAGEFERRY_TEST_OUTAGE", "4"))
FILES = 600
FOLDERS = 6


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A source that takes its time, so that an outage meets work."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


async def test_a_broker_that_loses_everything_loses_no_file(tree: Tree, crew: WorkerGroup) -> None:
    await crew.start(processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for files in (0, FILES // 4, FILES // 2):
        await wait_for_progress(crew.flow, importing, files=files)
        crew.broker.purge()

    await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_a_job_survives_a_restart_of_the_broker(tree: Tree, crew: WorkerGroup) -> None:
    async with cuttable_proxy(crew.broker.url) as cuttable:
        crew.environment["CELERY_BROKER_URL"] = cuttable.url
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await wait_for_progress(crew.flow, importing, files=FILES // 4)

        await cuttable.cut(OUTAGE_S)

        await _all_stored(crew, importing)


async def test_a_broker_connection_that_dies_silently_is_noticed(tree: Tree, crew: WorkerGroup) -> None:
    async with cuttable_proxy(crew.broker.url) as quiet:
        crew.environment["CELERY_BROKER_URL"] = quiet.url
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await wait_for_progress(crew.flow, importing, files=FILES // 4)

        quiet.drop_silently()

        await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_an_unavailable_catalog_loses_no_outcome(tree: Tree, crew: WorkerGroup) -> None:
    async with cuttable_proxy(crew.flow.settings.catalog_url) as cuttable:
        crew.environment["DATABASE_URL"] = cuttable.url
        await crew.start("crawl,record")
        await crew.start("transfer")
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await wait_for_progress(crew.flow, importing, files=FILES // 4)

        await cuttable.cut(OUTAGE_S)

        await _all_stored(crew, importing)


async def test_a_worker_started_while_the_catalog_is_unavailable_waits_for_it(tree: Tree, crew: WorkerGroup) -> None:
    async with cuttable_proxy(crew.flow.settings.catalog_url) as cuttable:
        crew.environment["DATABASE_URL"] = cuttable.url
        cuttable.sever()
        worker = await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await worker.wait_for_log("worker.start_delayed", times=2)

        cuttable.restore()

        await _all_stored(crew, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_an_overloaded_store_is_waited_for(tree: Tree, crew: WorkerGroup) -> None:
    async with FakeS3() as s3:
        crew.flow.setting_overrides |= s3.settings
        crew.flow.read_objects = s3.stored_objects
        await crew.start(processes=2)
        importing = asyncio.create_task(crew.flow.run(_album(tree)))
        await wait_for_progress(crew.flow, importing, files=FILES // 4)

        s3.add_fault(S3Fault.SLOW_DOWN, on=S3Operation.PUT)
        await asyncio.sleep(OUTAGE_S)
        s3.clear_faults()

        await _all_stored(crew, importing)


async def test_a_worker_that_is_stopped_requeues_its_work_at_once(tree: Tree, crew: WorkerGroup) -> None:
    await crew.start("crawl,record")
    first = await crew.start("transfer", processes=2)
    crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=1, times=None))
    importing = asyncio.create_task(crew.flow.run(_album(tree)))
    await wait_for_progress(crew.flow, importing, files=FILES // 4)

    assert await first.stop() == 0

    assert not importing.done()
    crew.flow.drive.faults.clear()
    await crew.start("transfer", processes=2)
    await _all_stored(crew, importing)
    assert set(crew.flow.drive.requests.downloads_by_file.values()) == {1}


async def test_a_recorder_that_was_frozen_past_its_lease_changes_nothing_afterwards(
    tree: Tree, crew: WorkerGroup
) -> None:
    await crew.start("crawl,transfer")
    frozen = await crew.start("record")
    importing = asyncio.create_task(crew.flow.run(_album(tree)))
    await wait_for_progress(crew.flow, importing, files=FILES // 4)
    frozen.freeze()
    await crew.start("record")

    await _all_stored(crew, importing)
    before = await crew.flow.rows(batches)
    frozen.thaw()
    await asyncio.sleep(1)

    assert await crew.flow.rows(batches) == before
    await crew.flow.assert_consistent(await crew.flow.job())


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root


async def _all_stored(crew: WorkerGroup, importing: asyncio.Task[ImportResult]) -> None:
    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await crew.flow.assert_consistent(ending)
