"""Brokers that are really stopped, started again and emptied while a job goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.workers import LATENCY_S, Crew, crew_over, progress
from tests.servers.private_brokers import PrivateBroker, private_broker

pytestmark = pytest.mark.integration

FILES = 1_200
FOLDERS = 12
AWAY_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A crew, and the broker that it alone uses."""

    crew: Crew
    server: PrivateBroker


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """A source that takes its time, so that a restart meets work."""
    async with StandIn(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


@pytest.fixture(params=["rabbitmq", "redis"])
async def team(request: pytest.FixtureRequest, flow: Flow, tmp_path: Path) -> AsyncIterator[Team]:
    with private_broker(request.param, tmp_path / "broker") as server:
        async with crew_over(request.param, flow, folder=tmp_path, broker_url=server.url) as crew:
            yield Team(crew=crew, server=server)


async def test_a_job_ends_although_its_broker_is_restarted_twice(tree: Tree, team: Team) -> None:
    await team.crew.start(processes=2)
    importing = asyncio.create_task(team.crew.flow.run(_album(tree)))
    for files in (FILES // 6, FILES // 2):
        await progress(team.crew.flow, importing, files=files)
        await asyncio.to_thread(team.server.stop)
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(team.server.start)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await team.crew.flow.holds_together(ending)


@pytest.mark.parametrize("team", ["redis"], indirect=True)
async def test_a_job_ends_although_its_redis_is_flushed_again_and_again(tree: Tree, team: Team) -> None:
    await team.crew.start(processes=2)
    importing = asyncio.create_task(team.crew.flow.run(_album(tree)))
    for part in range(4):
        await progress(team.crew.flow, importing, files=FILES * part // 5)
        team.server.flush()

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await team.crew.flow.holds_together(ending)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root
