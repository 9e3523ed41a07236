"""Broker servers that are stopped, started and emptied while a job runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.workers import LATENCY_S, WorkerGroup, open_worker_group, wait_for_progress
from tests.servers.private_brokers import PrivateBroker, private_broker

pytestmark = pytest.mark.integration

FILES = 1_200
FOLDERS = 12
OUTAGE_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A group of workers with its own broker server."""

    crew: WorkerGroup
    server: PrivateBroker


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A slow source, so that there is work in progress at each restart."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as standing_in:
        yield standing_in


@pytest.fixture(params=["rabbitmq", "redis"])
async def team(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[Team]:
    with private_broker(request.param, tmp_path / "broker") as server:
        async with open_worker_group(request.param, flow, folder=tmp_path, broker_url=server.url) as crew:
            yield Team(crew=crew, server=server)


async def test_a_job_finishes_although_its_broker_is_restarted_twice(tree: Tree, team: Team) -> None:
    await team.crew.start(processes=2)
    importing = asyncio.create_task(team.crew.flow.run(_album(tree)))
    for files in (FILES // 6, FILES // 2):
        await wait_for_progress(team.crew.flow, importing, files=files)
        await asyncio.to_thread(team.server.stop)
        await asyncio.sleep(OUTAGE_S)
        await asyncio.to_thread(team.server.start)

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await team.crew.flow.assert_consistent(ending)


@pytest.mark.parametrize("team", ["redis"], indirect=True)
async def test_a_job_finishes_although_its_redis_is_flushed_repeatedly(tree: Tree, team: Team) -> None:
    await team.crew.start(processes=2)
    importing = asyncio.create_task(team.crew.flow.run(_album(tree)))
    for part in range(4):
        await wait_for_progress(team.crew.flow, importing, files=FILES * part // 5)
        team.server.flush()

    ending = await importing
    assert (ending.job.discovered, ending.job.stored) == (FILES, FILES)
    await team.crew.flow.assert_consistent(ending)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root
