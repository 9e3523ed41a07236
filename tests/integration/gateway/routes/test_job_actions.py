"""Jobs in people's hands: paused, resumed, cancelled, tried again and removed over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow

JPEG = b"\xff\xd8\xff\xe0"
FILES = 240

pytestmark = pytest.mark.integration


async def test_a_job_is_paused_and_resumed(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    async with slow(tree, flow), served(anywhere(flow)) as gateway:
        job_id = await gateway.begin(flow.drive.folder_url(root))
        await flow.downloads(40)
        began_s = time.monotonic()
        job = await _post(gateway, f"/api/jobs/{job_id}/pause")
        assert time.monotonic() - began_s < 5
        assert (job["state"], job["actions"]) == ("paused", ["resume", "cancel"])
        await _idle(flow)
        assert time.monotonic() - began_s < 20
        asked = flow.drive.requests.count(Operation.MEDIA)
        paused = await gateway.get(f"/api/jobs/{job_id}")
        assert paused["state"] == "paused"
        assert paused["stored"] < FILES
        await asyncio.sleep(1)
        assert flow.drive.requests.count(Operation.MEDIA) == asked
        assert (await _post(gateway, f"/api/jobs/{job_id}/resume"))["state"] == "running"
        status = await gateway.ending(job_id)
        assert (status["status"], status["stored"]) == ("completed", FILES)
    await flow.holds_together(await flow.job())


async def test_a_job_is_cancelled_and_goes_on_where_it_was(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, FILES, size_bytes=1_000)
    async with slow(tree, flow), served(anywhere(flow)) as gateway:
        job_id = await gateway.begin(flow.drive.folder_url(root))
        await flow.downloads(40)
        began_s = time.monotonic()
        await _post(gateway, f"/api/jobs/{job_id}/cancel")
        assert time.monotonic() - began_s < 5
        status = await gateway.ending(job_id)
        assert time.monotonic() - began_s < 20
        assert status["status"] == "cancelled"
        assert status["total"] == status["processed"] == FILES
        assert status["stored"] + status["skipped"] == FILES
        await flow.store_is_the_catalogs()
        await _post(gateway, f"/api/jobs/{job_id}/retry")
        status = await gateway.ending(job_id)
        assert (status["status"], status["stored"]) == ("completed", FILES)
    await flow.holds_together(await flow.job())


async def test_what_failed_is_tried_again_once_it_is_mended(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    locked = tree.file(root, "b.jpg", content=JPEG, downloadable=False)
    async with served(anywhere(flow)) as gateway:
        job_id = await gateway.begin(flow.drive.folder_url(root))
        assert (await gateway.ending(job_id))["failed"] == 1
        tree._changed(locked, downloadable=True)
        job = await _post(gateway, f"/api/jobs/{job_id}/retry", {"reasons": ["forbidden"]})
        assert job["failed"] == 0
        assert (await gateway.ending(job_id))["status"] == "completed"


async def test_what_is_not_possible_is_refused_in_a_sentence(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    tree.file(root, "a.jpg", content=JPEG)
    async with served(anywhere(flow)) as gateway:
        job_id = await gateway.begin(flow.drive.folder_url(root))
        await gateway.ending(job_id)
        problem = await _post(gateway, f"/api/jobs/{job_id}/pause", status=409)
        assert problem["detail"] == "The job is completed, so it is not possible to pause it."
        await _post(gateway, "/api/jobs/none/cancel", status=404)
        for _ in range(2):
            async with gateway.session.delete(f"/api/jobs/{job_id}") as answer:
                assert answer.status == 204
        assert (await gateway.get("/api/jobs"))["items"] == []
        assert len(await gateway.get("/images")) == 1


@asynccontextmanager
async def slow(tree: Tree, flow: Flow) -> AsyncIterator[None]:
    """A Drive that takes its time for each call."""
    async with StandIn(tree, latency_s=0.3) as drive:
        flow.drive = drive
        flow.given["concurrency"] = 16
        yield


async def _post(gateway: Served, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> dict[str, Any]:
    async with gateway.session.post(path, json=body) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == status, told
        return told


async def _idle(flow: Flow) -> None:
    """Wait until nothing was asked for during half a second."""
    seen = -1
    while seen != (seen := flow.drive.requests.count(Operation.MEDIA)):  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.5)
