"""Workers that are killed repeatedly while a job runs."""

import asyncio
import os
import time
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

# The full series, 20 kills over 2,000 files, takes minutes: IMAGEFERRY_TEST_KILLS=20.
KILLS = int(os.environ.get("IMAGEFERRY_TEST_KILLS", "4"))
FILES = 100 * max(KILLS, 6)
FOLDERS = 20
LISTING_S = 0.2
SETTLES_WITHIN_S = 60


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A slow source, so that there is work in progress at each kill."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


@pytest.mark.timeout(240 + 30 * KILLS)
@pytest.mark.parametrize("role", ["crawl", "transfer", "record"])
async def test_a_role_that_is_killed_repeatedly_loses_nothing(role: str, tree: Tree, crew: WorkerGroup) -> None:
    if role == "crawl":
        # Slow listings, so that it has work to lose until the end.
        crew.flow.drive.faults.add(Fault(kind=Damage.SLOW, on=Operation.LISTING, seconds=LISTING_S, times=None))
    await crew.start(",".join({"crawl", "transfer", "record"} - {role}))
    victim = await crew.start(role, processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for kill in range(KILLS):
        await wait_for_progress(crew.flow, importing, files=FILES * kill // (KILLS + 1))
        await victim.kill()
        victim = await crew.start(role, processes=2)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await _settles(crew.flow, ending)


async def test_killed_worker_processes_are_replaced_and_lose_nothing(tree: Tree, crew: WorkerGroup) -> None:
    worker = await crew.start(processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for kill in range(KILLS):
        await wait_for_progress(crew.flow, importing, files=FILES * kill // (KILLS + 1))
        os.kill(worker.children()[kill % 2], SIGKILL)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await _settles(crew.flow, ending)


async def test_only_the_file_that_kills_its_worker_fails(tree: Tree, crew: WorkerGroup) -> None:
    await crew.start("crawl,record")
    worker = await crew.start("transfer")
    root = tree.folder("Root")
    tree.numbered_files(root, 30, size_bytes=1_000)
    killer = tree.file(root, "killer.jpg", content=b"kills")
    crew.flow.drive.faults.add(Fault(kind=Damage.STALL, file=killer.id, seconds=0.5))
    importing = asyncio.create_task(crew.flow.run(root))

    asked = 0
    while not importing.done():
        if (now := crew.flow.drive.requests.downloads_by_file[killer.id]) > asked:
            asked = now
            for child in worker.children():
                os.kill(child, SIGKILL)
        await asyncio.sleep(0.02)

    ending = await importing
    assert (ending.job.stored, ending.failures) == (30, {Reason.CRASHED_WORKER: 1})
    assert asked <= LeasePolicy().tries_max + 2
    await _settles(crew.flow, ending)
    assert crew.broker.queue_length(Role.TRANSFER) == 0


async def _settles(flow: ImportFlow, ending: ImportResult) -> None:
    """Hold the end against what must hold, once copies of messages that the killed had are worked off, too.

    Until then the half of a file that one of them was writing may stand beside its object.
    """
    ends_at_s = time.monotonic() + SETTLES_WITHIN_S
    while True:
        try:
            return await flow.assert_consistent(ending)
        except AssertionError:
            if time.monotonic() > ends_at_s:
                raise
        await asyncio.sleep(1)


def _album(tree: Tree) -> Node:
    """Create nested folders, so that listing lasts as long as transferring."""
    root = inner = tree.folder("Root")
    for number in range(FOLDERS):
        inner = tree.folder(f"Day {number}", parent=inner)
        tree.numbered_files(inner, FILES // FOLDERS, size_bytes=1_000)
    return root
