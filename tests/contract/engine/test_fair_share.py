"""Fair sharing on every engine: a small job does not wait for a large one, and many jobs share the workers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import batches
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.model import LedgerState
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow
from tests.drivers.workers import BATCHES_IN_FLIGHT, open_worker_group
from tests.servers.brokers import BROKER_KINDS

pytestmark = pytest.mark.integration

LARGE_JOB_FILES = 3_000
LATENCY_S = 0.2
JOBS = 50
JOBS_SHARED, BATCHES_IN_FLIGHT_SHARED = 20, 8  # two processes do the work of all stages


@pytest.fixture(params=["local", *BROKER_KINDS])
async def gateway(
    request: pytest.FixtureRequest, tree: Tree, flow: ImportFlow, tmp_path: Path
) -> AsyncIterator[GatewayClient]:
    """A gateway over one kind of engine, with its workers running and a slow Drive as the source."""
    flow.limits = replace(FAST_LIMITS, lease_policy=replace(FAST_LIMITS.lease_policy, lease_ms=30_000))
    async with DriveTestServer(tree, latency_s=LATENCY_S) as drive:
        flow.drive = drive
        flow.setting_overrides |= {"concurrency": 16, "batches_in_flight": BATCHES_IN_FLIGHT}
        if request.param == "local":
            async with running_gateway(on_free_port(flow)) as local:
                yield local
            return
        async with open_worker_group(request.param, flow, folder=tmp_path) as group:
            group.environment = {
                "IMAGEFERRY_LEASE_SECONDS": "30",
                "IMAGEFERRY_CONCURRENCY": "16",
                "IMAGEFERRY_BATCHES_IN_FLIGHT": str(BATCHES_IN_FLIGHT_SHARED),
            }
            await group.start(processes=2)
            flow.setting_overrides |= {"lease_s": 30, "batches_in_flight": BATCHES_IN_FLIGHT_SHARED}
            async with running_gateway(on_free_port(flow)) as shared:
                yield shared


async def test_a_small_job_finishes_while_a_large_one_runs(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient
) -> None:
    large, small = tree.folder("Large"), tree.folder("Small")
    tree.numbered_files(large, LARGE_JOB_FILES, size_bytes=1_000)
    tree.numbered_files(small, 10, size_bytes=1_000)
    first = await gateway.start_import(flow.drive.folder_url(large))
    while (await gateway.get(f"/api/jobs/{first}"))["stored"] < LARGE_JOB_FILES // 10:  # noqa: ASYNC110 - the status has no event
        await asyncio.sleep(0.1)
    status = await gateway.import_folder(flow.drive.folder_url(small))
    assert status["stored"] == 10
    assert (await gateway.get(f"/api/jobs/{first}"))["state"] == "running"
    async with gateway.session.post(f"/api/jobs/{first}/cancel") as response:
        assert response.status == 200
    await gateway.wait_until_finished(first)


async def test_many_concurrent_jobs_share_the_workers_and_the_limit_of_batches_in_flight(
    tree: Tree, flow: ImportFlow, gateway: GatewayClient
) -> None:
    count = JOBS if flow.settings.celery_broker_url is None else JOBS_SHARED
    roots = [tree.folder(f"Job {number}") for number in range(count)]
    for root in roots:
        tree.numbered_files(root, 20, size_bytes=1_000)
    job_ids = await asyncio.gather(*(gateway.start_import(flow.drive.folder_url(root)) for root in roots))
    assert len(set(job_ids)) == count
    peak = 0
    completed: list[object] = []
    while len(completed) < count:
        peak = max(peak, await _batches_in_flight(flow))
        await asyncio.sleep(0.2)
        completed = (await gateway.get("/api/jobs?limit=200&state=completed"))["items"]
    # A job that joins may start batches before the other jobs have shrunk to their new share.
    assert 0 < peak <= 2 * (flow.settings.batches_in_flight or 0)


async def _batches_in_flight(flow: ImportFlow) -> int:
    catalog = Catalog(flow.settings.catalog_url)
    query = select(func.count()).select_from(batches).where(batches.c.state == LedgerState.IN_FLIGHT)
    try:
        return await catalog.read(lambda tx: tx.execute(query).scalar_one())
    finally:
        await catalog.close()
