"""Workers that are killed, again and again, while a job goes on."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import pytest

from imageferry.demo.node import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.brokers import KINDS_OF_BROKERS
from tests.flow import Flow
from tests.workers import Crew, crew_over

pytestmark = pytest.mark.integration

# The full series, 20 kills over 2,000 files, takes minutes: IMAGEFERRY_TEST_KILLS=20.
KILLS = int(os.environ.get("IMAGEFERRY_TEST_KILLS", "4"))
FILES = 100 * max(KILLS, 6)
FOLDERS = 20
LATENCY_S = 0.02
LOOK_EVERY_S = 0.02


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """A source that takes its time, so that a kill meets work."""
    async with StandIn(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


@pytest.fixture(params=KINDS_OF_BROKERS)
async def crew(request: pytest.FixtureRequest, flow: Flow, tmp_path: Path) -> AsyncIterator[Crew]:
    """A crew over one kind of broker, of nobody yet."""
    async with crew_over(request.param, flow, folder=tmp_path) as nobody:
        yield nobody


@pytest.mark.timeout(60 + 30 * KILLS)
@pytest.mark.parametrize("role", ["crawl", "transfer", "record"])
async def test_a_role_that_is_killed_again_and_again_loses_nothing(role: str, tree: Tree, crew: Crew) -> None:
    await crew.start(",".join({"crawl", "transfer", "record"} - {role}))
    victim = await crew.start(role, processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for kill in range(KILLS):
        await _progress(crew.flow, files=FILES * kill // (KILLS + 1))
        assert role != "crawl" or crew.flow.seen[-1].open_folders > 0  # there is work for it to lose
        await victim.kill()
        victim = await crew.start(role, processes=2)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await crew.flow.holds_together(ending)


async def test_children_that_are_killed_are_replaced_and_lose_nothing(tree: Tree, crew: Crew) -> None:
    worker = await crew.start(processes=2)
    importing = asyncio.create_task(crew.flow.run(_album(tree)))

    for kill in range(KILLS):
        await _progress(crew.flow, files=FILES * kill // (KILLS + 1))
        os.kill(worker.children()[kill % 2], SIGKILL)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await crew.flow.holds_together(ending)


def _album(tree: Tree) -> Node:
    """Folders within folders: there is something to list for as long as there is something to transfer."""
    root = inner = tree.folder("Root")
    for number in range(FOLDERS):
        inner = tree.folder(f"Day {number}", parent=inner)
        tree.numbered_files(inner, FILES // FOLDERS, size_bytes=1_000)
    return root


async def _progress(flow: Flow, *, files: int) -> None:
    """Wait until so many files were seen to have an outcome."""
    while not flow.seen or flow.seen[-1].processed < files:  # noqa: ASYNC110 - what another process does is looked at
        await asyncio.sleep(LOOK_EVERY_S)
