"""Workers that are killed repeatedly while a job runs."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from signal import SIGKILL

import pytest

from imageferry.application.results import ImportResult
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.engine.celery.app import Role
from imageferry.errors import Reason
from tests.drivers.import_flow import ImportFlow
from tests.drivers.workers import LATENCY_S, WorkerGroup, wait_for_progress

pytestmark = pytest.mark.integration

log = logging.getLogger(__name__)

# The full series, 20 kills over 2,000 files, takes minutes: IMAGEFERRY_TEST_KILLS=20.
KILLS = int(os.environ.get("IMAGEFERRY_TEST_KILLS", "4"))
FILES = 100 * max(KILLS, 6)
FOLDERS = 20
LISTING_S = 0.2
POLL_INTERVAL_S = 1


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A slow source, so that there is work in progress at each kill."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as server:
        yield server


@pytest.mark.timeout(240 + 30 * KILLS)
@pytest.mark.parametrize("role", ["crawl", "transfer", "record"])
async def test_a_role_that_is_killed_repeatedly_loses_nothing(role: str, tree: Tree, workers: WorkerGroup) -> None:
    if role == "crawl":
        # Slow listings, so that it has work to lose until the end.
        workers.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.LISTING, seconds=LISTING_S, times=None))
    await workers.start(",".join({"crawl", "transfer", "record"} - {role}))
    victim = await workers.start(role, processes=2)
    importing = asyncio.create_task(workers.flow.run(_album(tree)))

    for kill in range(KILLS):
        await wait_for_progress(workers.flow, importing, files=FILES * kill // (KILLS + 1))
        await victim.kill()
        victim = await workers.start(role, processes=2)

    result = await importing
    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await _wait_until_consistent(workers.flow, result)


async def test_killed_worker_processes_are_replaced_and_lose_nothing(tree: Tree, workers: WorkerGroup) -> None:
    worker = await workers.start(processes=2)
    importing = asyncio.create_task(workers.flow.run(_album(tree)))

    for kill in range(KILLS):
        await wait_for_progress(workers.flow, importing, files=FILES * kill // (KILLS + 1))
        os.kill(worker.children()[kill % 2], SIGKILL)

    result = await importing
    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await _wait_until_consistent(workers.flow, result)


async def test_only_the_file_that_kills_its_worker_fails(tree: Tree, workers: WorkerGroup) -> None:
    await workers.start("crawl,record")
    worker = await workers.start("transfer")
    root = tree.folder("Root")
    tree.numbered_files(root, 30, size_bytes=1_000)
    killer = tree.file(root, "killer.jpg", content=b"kills")
    workers.flow.drive.faults.add(Fault(kind=Damage.STALL, file=killer.id, seconds=0.5))
    importing = asyncio.create_task(workers.flow.run(root))

    downloads = 0
    while not importing.done():
        if (count := workers.flow.drive.requests.downloads_by_file[killer.id]) > downloads:
            downloads = count
            for child in worker.children():
                os.kill(child, SIGKILL)
        await asyncio.sleep(0.02)

    result = await importing
    assert (result.job.stored, result.failures) == (30, {Reason.CRASHED_WORKER: 1})
    assert downloads <= LeasePolicy().tries_max + 2
    await _wait_until_consistent(workers.flow, result)
    assert workers.broker.queue_length(Role.TRANSFER) == 0


async def _wait_until_consistent(flow: ImportFlow, result: ImportResult) -> None:
    """Wait until the invariants of a finished import hold; the test's timeout bounds the wait.

    A killed process may leave messages that are delivered again, and a half-written file beside its object, until
    these messages are handled.
    """
    while True:
        try:
            return await flow.assert_consistent(result)
        except AssertionError as exc:
            log.warning("Not consistent yet: %s", exc)
        await asyncio.sleep(POLL_INTERVAL_S)


def _album(tree: Tree) -> Node:
    """Create nested folders, so that listing lasts as long as transferring."""
    root = inner = tree.folder("Root")
    for number in range(FOLDERS):
        inner = tree.folder(f"Day {number}", parent=inner)
        tree.numbered_files(inner, FILES // FOLDERS, size_bytes=1_000)
    return root
