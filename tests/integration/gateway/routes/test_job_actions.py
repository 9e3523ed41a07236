"""Actions on jobs over HTTP: pause, resume, cancel, retry and delete."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"
FILES = 240

pytestmark = pytest.mark.integration


async def test_a_job_is_paused_and_resumed(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    async with slow_drive(tree, flow), running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        await flow.wait_for_downloads(40)
        job = await _post(gateway, f"/api/jobs/{job_id}/pause")
        assert (job["state"], job["actions"]) == ("paused", ["resume", "cancel"])
        await _wait_until_idle(flow)
        downloads = flow.drive.requests.count(Operation.MEDIA)
        paused = await gateway.get(f"/api/jobs/{job_id}")
        assert paused["state"] == "paused"
        assert paused["stored"] < FILES
        await asyncio.sleep(1)
        assert flow.drive.requests.count(Operation.MEDIA) == downloads
        assert (await _post(gateway, f"/api/jobs/{job_id}/resume"))["state"] == "running"
        status = await gateway.wait_until_finished(job_id)
        assert (status["status"], status["stored"]) == ("completed", FILES)
    await flow.assert_consistent(await flow.job())


async def test_a_cancelled_job_stops_and_a_retry_continues_it(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    async with slow_drive(tree, flow), running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        await flow.wait_for_downloads(40)
        await _post(gateway, f"/api/jobs/{job_id}/cancel")
        status = await gateway.wait_until_finished(job_id)
        assert status["status"] == "cancelled"
        assert status["total"] == status["processed"] == FILES
        assert status["stored"] + status["skipped"] == FILES
        assert status["skipped"] > 0
        await flow.assert_store_matches_catalog()
        await _post(gateway, f"/api/jobs/{job_id}/retry")
        status = await gateway.wait_until_finished(job_id)
        assert (status["status"], status["stored"]) == ("completed", FILES)
    await flow.assert_consistent(await flow.job())


async def test_a_failed_file_is_retried_after_the_cause_is_fixed(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    locked = tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        assert (await gateway.wait_until_finished(job_id))["failed"] == 1
        tree._changed(locked, downloadable=True)
        job = await _post(gateway, f"/api/jobs/{job_id}/retry", {"reasons": ["forbidden"]})
        assert job["failed"] == 0
        assert (await gateway.wait_until_finished(job_id))["status"] == "completed"


async def test_an_impossible_action_is_rejected_with_a_sentence(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        await gateway.wait_until_finished(job_id)
        problem = await _post(gateway, f"/api/jobs/{job_id}/pause", status=409)
        assert problem["detail"] == "You can't pause a job that is completed."
        await _post(gateway, "/api/jobs/none/cancel", status=404)
        for _ in range(2):
            async with gateway.session.delete(f"/api/jobs/{job_id}") as response:
                assert response.status == 204
        assert (await gateway.get("/api/jobs"))["items"] == []
        assert len(await gateway.get("/images")) == 1


@asynccontextmanager
async def slow_drive(tree: Tree, flow: ImportFlow) -> AsyncIterator[None]:
    """Replace the Drive by one that is slow to answer."""
    async with DriveTestServer(tree, latency_s=0.3) as drive:
        flow.drive = drive
        flow.setting_overrides["concurrency"] = 16
        yield


async def _post(
    gateway: GatewayClient, path: str, body: dict[str, Any] | None = None, *, status: int = 200
) -> dict[str, Any]:
    async with gateway.session.post(path, json=body) as response:
        result: dict[str, Any] = await response.json()
        assert response.status == status, result
        return result


async def _wait_until_idle(flow: ImportFlow) -> None:
    """Wait until no download has started for half a second."""
    count = -1
    while count != (count := flow.drive.requests.count(Operation.MEDIA)):  # noqa: ASYNC110 - the Drive has no event
        await asyncio.sleep(0.5)
