"""Broker servers that are stopped, started and emptied while a job runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
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


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A slow source, so that there is work in progress at each restart."""
    async with DriveTestServer(tree, latency_s=LATENCY_S) as server:
        yield server


@pytest.fixture(params=["rabbitmq", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of broker in turn."""
    kind: str = request.param
    return kind


@pytest.fixture
def broker_server(kind: str, tmp_path: Path) -> Iterator[PrivateBroker]:
    """A broker server of the test's own."""
    with private_broker(kind, tmp_path / "broker") as server:
        yield server


@pytest.fixture
async def workers(
    kind: str, broker_server: PrivateBroker, flow: ImportFlow, tmp_path: Path
) -> AsyncIterator[WorkerGroup]:
    """An empty group of workers over `broker_server`."""
    async with open_worker_group(kind, flow, folder=tmp_path, broker_url=broker_server.url) as group:
        yield group


async def test_a_job_finishes_although_its_broker_is_restarted_twice(
    tree: Tree, workers: WorkerGroup, broker_server: PrivateBroker
) -> None:
    await workers.start(processes=2)
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    for files in (FILES // 6, FILES // 2):
        await wait_for_progress(workers.flow, importing, files=files)
        await asyncio.to_thread(broker_server.stop)
        await asyncio.sleep(OUTAGE_S)
        await asyncio.to_thread(broker_server.start)

    result = await importing
    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await workers.flow.assert_consistent(result)


@pytest.mark.parametrize("kind", ["redis"])
async def test_a_job_finishes_although_its_redis_is_flushed_repeatedly(
    tree: Tree, workers: WorkerGroup, broker_server: PrivateBroker
) -> None:
    await workers.start(processes=2)
    importing = asyncio.create_task(workers.flow.run(_album(tree)))
    for part in range(4):
        await wait_for_progress(workers.flow, importing, files=FILES * part // 5)
        broker_server.flush()

    result = await importing
    assert (result.job.discovered, result.job.stored) == (FILES, FILES)
    await workers.flow.assert_consistent(result)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    for number in range(FOLDERS):
        tree.numbered_files(tree.folder(f"Day {number}", parent=root), FILES // FOLDERS, size_bytes=1_000)
    return root
