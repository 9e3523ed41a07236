"""Every engine: a job that is paused or cancelled soon has nothing in progress."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import job_actions
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.model import Job, JobState
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow
from tests.drivers.workers import open_worker_group
from tests.servers.brokers import BROKER_KINDS

pytestmark = pytest.mark.integration

FILES = 600
LATENCY_S = 0.5


@pytest.fixture(params=["local", *BROKER_KINDS])
async def engine(
    request: pytest.FixtureRequest, tree: Tree, flow: ImportFlow, tmp_path: Path
) -> AsyncIterator[ImportFlow]:
    """An import flow over one kind of engine, with its workers running and a slow Drive as the source."""
    flow.limits = replace(FAST_LIMITS, lease_policy=replace(FAST_LIMITS.lease_policy, lease_ms=30_000))
    async with DriveTestServer(tree, latency_s=LATENCY_S) as drive:
        flow.drive = drive
        flow.setting_overrides["concurrency"] = 16
        if request.param == "local":
            yield flow
            return
        async with open_worker_group(request.param, flow, folder=tmp_path) as group:
            flow.limits = replace(flow.limits, lease_policy=replace(flow.limits.lease_policy, lease_ms=30_000))
            group.environment = {"IMAGEFERRY_LEASE_SECONDS": "30", "IMAGEFERRY_CONCURRENCY": "16"}
            await group.start(processes=2)
            yield flow


async def test_a_paused_job_becomes_idle_and_can_be_resumed(tree: Tree, engine: ImportFlow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    await engine.wait_for_downloads(48, during=importing)
    await _apply_action(engine, job_actions.pause)

    await _wait_until_idle(engine)

    downloads = engine.drive.requests.count(Operation.MEDIA)
    await asyncio.sleep(1)
    assert engine.drive.requests.count(Operation.MEDIA) == downloads
    assert (await engine.job()).state is JobState.PAUSED
    await _apply_action(engine, job_actions.resume)
    await engine.wait_for_downloads(downloads + 1, during=importing)
    result = await importing
    assert result.job.stored == FILES
    await engine.assert_consistent(result)


async def test_a_cancelled_job_finishes(tree: Tree, engine: ImportFlow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    await engine.wait_for_downloads(48, during=importing)
    await _apply_action(engine, job_actions.cancel)

    job = (await importing).job

    assert job.state is JobState.CANCELLED
    await engine.assert_consistent(job)
    assert 0 < job.stored < FILES


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    return root


async def _apply_action(flow: ImportFlow, action: Callable[[Tx, str], Job]) -> None:
    """Apply a job action to the newest job, as a gateway in another process would."""

    def apply_to_newest(tx: Tx) -> None:
        (job,) = jobs.newest(tx, limit=1)
        action(tx, job.id)

    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(apply_to_newest)
    finally:
        await catalog.close()


async def _wait_until_idle(flow: ImportFlow) -> None:
    """Wait until a second passes without requests to the source and without progress."""
    before: object = None
    while before != (before := (flow.drive.requests.count(Operation.MEDIA), await flow.job())):  # noqa: ASYNC110 - idleness has no event
        await asyncio.sleep(1)
