"""What every engine promises to people: a job that is paused or cancelled has nothing under way within seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import job_actions
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.model import Job, JobState
from tests.drivers.import_flow import QUICK, Flow
from tests.drivers.workers import crew_over
from tests.servers.brokers import KINDS_OF_BROKERS

pytestmark = pytest.mark.integration

FILES = 600
LATENCY_S = 0.5
IDLE_WITHIN_S = 20
ENDS_WITHIN_S = 60


@pytest.fixture(params=["local", *KINDS_OF_BROKERS])
async def engine(request: pytest.FixtureRequest, tree: Tree, flow: Flow, tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow over one kind of engine, from a Drive that takes its time, with all that it needs at work."""
    flow.limits = replace(QUICK, terms=replace(QUICK.terms, lease_ms=30_000))
    async with StandIn(tree, latency_s=LATENCY_S) as drive:
        flow.drive = drive
        flow.given["concurrency"] = 16
        if request.param == "local":
            yield flow
            return
        async with crew_over(request.param, flow, folder=tmp_path) as crew:
            flow.limits = replace(flow.limits, terms=replace(flow.limits.terms, lease_ms=30_000))
            crew.environment = {"IMAGEFERRY_LEASE": "30", "IMAGEFERRY_CONCURRENCY": "16"}
            await crew.start(processes=2)
            yield flow


async def test_a_paused_job_has_nothing_under_way_within_seconds_and_goes_on(tree: Tree, engine: Flow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    await engine.downloads(48, during=importing)
    began_s = time.monotonic()
    await _move(engine, job_actions.pause)

    await _idle(engine)

    took_s = time.monotonic() - began_s
    assert took_s < IDLE_WITHIN_S
    asked = engine.drive.requests.count(Operation.MEDIA)
    await asyncio.sleep(1)
    assert engine.drive.requests.count(Operation.MEDIA) == asked
    assert (await engine.job()).state is JobState.PAUSED
    began_s = time.monotonic()
    await _move(engine, job_actions.resume)
    await engine.downloads(asked + 1, during=importing)
    ending = await importing
    assert ending.job.stored == FILES
    await engine.holds_together(ending)


async def test_a_cancelled_job_comes_to_its_end(tree: Tree, engine: Flow) -> None:
    importing = asyncio.create_task(engine.run(_album(tree)))
    await engine.downloads(48, during=importing)
    await _move(engine, job_actions.cancel)

    # Usually a second; a batch that the broker loses just then is missed when its lease is over.
    async with asyncio.timeout(ENDS_WITHIN_S):
        job = (await importing).job

    assert job.state is JobState.CANCELLED
    await engine.holds_together(job)
    assert 0 < job.stored < FILES


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    return root


async def _move(flow: Flow, move: Callable[[Tx, str], Job]) -> None:
    """Take a hand in the newest job, as a gateway in another process would."""

    def of_the_newest(tx: Tx) -> None:
        (job,) = jobs.latest(tx, limit=1)
        move(tx, job.id)

    catalog = Catalog(flow.settings.catalog_url)
    try:
        await catalog.write(of_the_newest)
    finally:
        await catalog.close()


async def _idle(flow: Flow) -> None:
    """Wait until nothing was asked for, and nothing told, during a second."""
    seen: object = None
    while seen != (seen := (flow.drive.requests.count(Operation.MEDIA), await flow.job())):  # noqa: ASYNC110 - the same
        await asyncio.sleep(1)
