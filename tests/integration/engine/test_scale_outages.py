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

# How long a component is unavailable. The full series: IMAGEFERRY_TEST_OUTAGE=30.
OUTAGE_S = float(os.environ.get("IMAGEFERRY_TEST_OUTAGE", "4"))
FILES = 600
FOLDERS = 6


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A slow source, so that there is work in progress at each outage."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as server:
        yield server


async def test_a_broker_that_loses_everything_loses_no_file(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start(processes=2)
    importing = asyncio.create_task(workers.flow.run(_album(tree)))

    for files in (0, FILES // 4, FILES // 2):
        await wait_for_progress(workers.flow, importing, files=files)
        workers.broker.purge()

    await _assert_all_stored(workers, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_a_job_survives_a_restart_of_the_broker(tree: Tree, workers: WorkerGroup) -> None:
    async with cuttable_proxy(workers.broker.url) as proxy:
        workers.environment["CELERY_BROKER_URL"] = proxy.url
        await workers.start(processes=2)
        importing = asyncio.create_task(workers.flow.run(_album(tree)))
        await wait_for_progress(workers.flow, importing, files=FILES // 4)

        await proxy.cut(OUTAGE_S)

        await _assert_all_stored(workers, importing)


async def test_a_broker_connection_that_dies_silently_is_noticed(tree: Tree, workers: WorkerGroup) -> None:
    async with cuttable_proxy(workers.broker.url) as proxy:
        workers.environment["CELERY_BROKER_URL"] = proxy.url
        await workers.start(processes=2)
        importing = asyncio.create_task(workers.flow.run(_album(tree)))
        await wait_for_progress(workers.flow, importing, files=FILES // 4)

        proxy.drop_silently()

        await _assert_all_stored(workers, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_an_unavailable_catalog_loses_no_outcome(tree: Tree, workers: WorkerGroup) -> None:
    async with cuttable_proxy(workers.flow.settings.catalog_url) as proxy:
        workers.environment["DATABASE_URL"] = proxy.url
        await workers.start("crawl,record")
        await workers.start("transfer")
        importing = asyncio.create_task(workers.flow.run(_album(tree)))
        await wait_for_progress(workers.flow, importing, files=FILES // 4)

        await proxy.cut(OUTAGE_S)

        await _assert_all_stored(workers, importing)


async def test_a_worker_started_while_the_catalog_is_unavailable_waits_for_it(tree: Tree, workers: WorkerGroup) -> None:
    async with cuttable_proxy(workers.flow.settings.catalog_url) as proxy:
        workers.environment["DATABASE_URL"] = proxy.url
        proxy.sever()
        worker = await workers.start(processes=2)
        importing = asyncio.create_task(workers.flow.run(_album(tree)))
        await worker.wait_for_log("worker.start_delayed", times=2)

        proxy.restore()

        await _assert_all_stored(workers, importing)


@pytest.mark.timeout(240 + 3 * OUTAGE_S)
async def test_an_overloaded_store_is_waited_for(tree: Tree, workers: WorkerGroup) -> None:
    async with FakeS3() as s3:
        workers.flow.setting_overrides |= s3.settings
        workers.flow.read_objects = s3.stored_objects
        await workers.start(processes=2)
        importing = asyncio.create_task(workers.flow.run(_album(tree)))
        await wait_for_progress(workers.flow, importing, files=FILES // 4)

        s3.add_fault(S3Fault.SLOW_DOWN, on=S3Operation.PUT)
        await asyncio.sleep(OUTAGE_S)
        s3.clear_faults()

        await _assert_all_stored(workers, importing)


async def test_a_worker_that_is_stopped_requeues_its_work_at_once(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start("crawl,record")
    first = await workers.start("transfer", processes=2)
    workers.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.MEDIA, seconds=1, times=None))
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    await wait_for_progress(workers.flow, importing, files=FILES // 4)

    assert await first.stop() == 0

    assert not importing.done()
    workers.flow.drive.faults.clear()
    await workers.start("transfer", processes=2)
    await _assert_all_stored(workers, importing)
    assert set(workers.flow.drive.requests.downloads_by_file.values()) == {1}


async def test_a_recorder_that_was_frozen_past_its_lease_changes_nothing_afterwards(
    tree: Tree, workers: WorkerGroup
) -> None:
    await workers.start("crawl,transfer")
    frozen = await workers.start("record")
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    await wait_for_progress(workers.flow, importing, files=FILES // 4)
    frozen.freeze()
    await workers.start("record")

    await _assert_all_stored(workers, importing)
    before = await workers.flow.rows(batches)
    frozen.thaw()
    await asyncio.sleep(1)

    assert await workers.flow.rows(batches) == before
    await workers.flow.assert_consistent(await workers.flow.job())


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root


async def _assert_all_stored(workers: WorkerGroup, importing: asyncio.Task[ImportResult]) -> None:
    result = await importing
    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await workers.flow.assert_consistent(result)
