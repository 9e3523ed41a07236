"""Imports over HTTP, from the request to the image records, across restarts and kills."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"


def holiday(tree: Tree, *, files: int = 3) -> Node:
    root = tree.folder("Holiday")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=JPEG + bytes([number]) * 2000)
    return root


async def test_an_import_is_accepted_and_completed_and_its_images_are_listed(tree: Tree, flow: ImportFlow) -> None:
    root = holiday(tree)
    async with running_gateway(on_free_port(flow)) as gateway:
        body = {"folder_url": flow.drive.folder_url(root)}
        async with gateway.session.post("/import/google-drive", json=body) as response:
            accepted = await response.json()
            assert (response.status, response.headers["Retry-After"]) == (202, "1")
            assert response.headers["Location"] == f"/api/import/status/{accepted['job_id']}"
        assert accepted["job_id"] == accepted["jobId"] == accepted["task_id"]
        assert accepted["status"] == "accepted"

        status = await gateway.wait_until_finished(accepted["jobId"])

        assert (status["status"], status["total"], status["processed"], status["failed"]) == ("completed", 3, 3, 0)
        assert status == await gateway.get(f"/import/status/{accepted['jobId']}")
        newest_first = [image["id"] for image in status["imported"]]
        assert newest_first == sorted(newest_first, reverse=True)
        images = await gateway.get("/images")
        assert {image["name"] for image in images} == {"0.jpg", "1.jpg", "2.jpg"}
        assert sorted(images, key=lambda image: -image["id"]) == status["imported"]


async def test_a_record_has_the_fields_of_the_older_systems(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    taken = {"time": "2026:05:01 12:00:00", "location": {"latitude": 1.5, "longitude": 2.5}, "width": 4, "height": 3}
    file = tree.file(root, "a.jpg", content=JPEG, mime_type="image/jpeg", image_metadata=taken)
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        (image,) = await gateway.get("/images")
    assert image["google_drive_id"] == file.id
    assert image["storage_path"] == (flow.home / "store" / root.id / f"{file.id}_a.jpg").resolve().as_uri()
    assert (image["size"], image["mime_type"], image["source"]) == (4, "image/jpeg", "google_drive")
    assert image["location"] == {"latitude": 1.5, "longitude": 2.5}
    assert image["taken_at"] == "2026-05-01T12:00:00"
    assert image["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("/import/google-drive", "folder_url", "Folder import started"),
        ("/import/google-drive", "folderUrl", "Import started"),
        ("/api/import/google-drive", "folder_url", "Import started"),
        ("/api/import/google-drive", "folderUrl", "Import started"),
    ],
)
async def test_the_spelling_of_the_folder_url_selects_the_message(
    tree: Tree, flow: ImportFlow, path: str, field: str, message: str
) -> None:
    root = holiday(tree, files=0)
    body = {field: flow.drive.folder_url(root)}
    async with running_gateway(on_free_port(flow)) as gateway, gateway.session.post(path, json=body) as response:
        assert (await response.json())["message"] == message


async def test_repeated_requests_for_an_unfinished_import_start_no_second_job(tree: Tree, flow: ImportFlow) -> None:
    url = flow.drive.folder_url(holiday(tree))
    async with running_gateway(on_free_port(flow)) as gateway:
        job_ids = await asyncio.gather(*(gateway.start_import(url) for _ in range(8)))
        await gateway.wait_until_finished(job_ids[0])
        assert len((await gateway.get("/api/jobs"))["items"]) == len(set(job_ids)) == 1


async def test_the_web_page_and_allowed_origins_can_start_an_import(tree: Tree, flow: ImportFlow) -> None:
    flow.setting_overrides["cors_origins"] = ("https://gallery.example",)
    body = {"folder_url": flow.drive.folder_url(holiday(tree))}
    async with running_gateway(on_free_port(flow)) as gateway:
        for origin, allowed in ((gateway.url, None), ("https://gallery.example", "https://gallery.example")):
            headers = {"Origin": origin}
            async with gateway.session.post("/api/import/google-drive", json=body, headers=headers) as response:
                assert response.status == 202
                assert response.headers.get("Access-Control-Allow-Origin") == allowed


async def test_options_select_the_imported_files(tree: Tree, flow: ImportFlow) -> None:
    root = holiday(tree)
    tree.file(tree.folder("Day 1", parent=root), "deep.jpg", content=JPEG)
    async with running_gateway(on_free_port(flow)) as gateway:
        status = await gateway.import_folder(
            flow.drive.folder_url(root), recursive=False, include=["*.jpg"], exclude=["0.*"]
        )
        detail = await gateway.get(f"/api/jobs/{status['job_id']}")
    assert (status["stored"], status["skipped"]) == (2, 1)
    assert [(skip["reason"], skip["count"], skip["mender"]) for skip in detail["skips"]] == [("excluded", 1, "nobody")]
    assert detail["options"] | {"recursive": False, "include": ["*.jpg"], "exclude": ["0.*"]} == detail["options"]


async def test_a_failed_job_has_a_reason_and_who_can_fix_it(tree: Tree, flow: ImportFlow) -> None:
    missing = tree.folder("Gone")
    tree.delete(missing)
    async with running_gateway(on_free_port(flow)) as gateway:
        status = await gateway.import_folder(flow.drive.folder_url(missing))
        job = await gateway.get(f"/api/jobs/{status['job_id']}")
    assert (status["status"], status["reason"]) == ("failed", "folder_not_found")
    assert (job["mender"], job["detail"]) == ("owner", status["detail"])


async def test_hostile_names_are_preserved(tree: Tree, flow: ImportFlow) -> None:
    names = [
        "../../etc/passwd.jpg",
        'a"b\\c\n.jpg',
        "<script>.jpg",
        "\u202egnp.exe.jpg",
        "=cmd|.jpg",
        "😀" * 500 + ".jpg",
    ]
    root = tree.folder("Hostile")
    for name in names:
        tree.file(root, name, content=JPEG, mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        status = await gateway.import_folder(flow.drive.folder_url(root))
        images = await gateway.get("/images")
        for image in images:
            async with gateway.session.get(f"/api/images/{image['id']}/content") as response:
                assert (response.status, await response.read()) == (200, JPEG)
        async with gateway.session.get(f"/api/jobs/{status['job_id']}/manifest.csv") as response:
            assert "\n'=cmd|" not in (manifest := await response.text())
            assert "'=cmd|" in manifest
    assert sorted(image["name"] for image in images) == sorted(names)


async def test_a_stopped_gateway_continues_its_jobs_after_a_restart(tree: Tree, flow: ImportFlow) -> None:
    flow.setting_overrides["concurrency"] = 2
    root = holiday(tree, files=60)
    async with DriveTestServer(tree, latency_s=0.05) as flow.drive:
        async with running_gateway(on_free_port(flow)) as gateway:
            job_id = await gateway.start_import(flow.drive.folder_url(root))
            await wait_until_some_are_stored(gateway, job_id)
        async with running_gateway(on_free_port(flow)) as gateway:
            before = await gateway.get(f"/api/import/status/{job_id}")
            after = await gateway.wait_until_finished(job_id)
        assert 0 < before["stored"] < 60
        assert (after["status"], after["stored"]) == ("completed", 60)
        assert flow.drive.requests.count(Operation.MEDIA) == 60


@pytest.mark.integration
async def test_a_killed_gateway_continues_its_jobs_after_a_restart(tree: Tree, flow: ImportFlow) -> None:
    concurrency = 4
    root = holiday(tree, files=120)
    async with DriveTestServer(tree, latency_s=0.05) as flow.drive:
        async with gateway_process(flow, concurrency=concurrency) as (gateway, pid):
            job_id = await gateway.start_import(flow.drive.folder_url(root))
            await wait_until_some_are_stored(gateway, job_id)
            os.kill(pid, signal.SIGKILL)
        async with gateway_process(flow, concurrency=concurrency) as (gateway, _):
            status = await gateway.wait_until_finished(job_id)
            assert (status["status"], status["stored"], status["failed"]) == ("completed", 120, 0)
            assert len(await gateway.get("/images")) == 120
        assert len(flow.objects()) == 120


async def wait_until_some_are_stored(gateway: GatewayClient, job_id: str) -> None:
    while (await gateway.get(f"/api/import/status/{job_id}"))["stored"] == 0:  # noqa: ASYNC110 - HTTP has no event
        await asyncio.sleep(0.02)


@asynccontextmanager
async def gateway_process(flow: ImportFlow, *, concurrency: int) -> AsyncIterator[tuple[GatewayClient, int]]:
    """Run `imageferry serve` as a separate process; yield a client and the process id."""
    environment = {
        "PATH": os.environ["PATH"],
        "IMAGEFERRY_HOME": str(flow.home),
        "GOOGLE_API_KEY": flow.drive.api_key,
        "GOOGLE_DRIVE_ENDPOINT": flow.drive.url,
        "IMAGEFERRY_CONCURRENCY": str(concurrency),
        "PORT": "0",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "imageferry", "serve"), env=environment, cwd=flow.home.parent, stderr=PIPE
    )
    assert process.stderr is not None
    try:
        url = _find_url(await process.stderr.readline())
        async with aiohttp.ClientSession(url) as session:
            yield GatewayClient(session, url=url), process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _find_url(line: bytes) -> str:
    (url,) = (word for word in line.decode().split() if word.startswith("http://"))
    return url


async def test_a_shortcut_to_a_large_folder_is_imported_completely(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Large")
    tree.numbered_files(root, 1005, size_bytes=40)
    shortcut = tree.shortcut(tree.folder("Elsewhere"), to=root)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(shortcut))
        await gateway.wait_until_finished(job_id)
        job = await gateway.get(f"/api/jobs/{job_id}")
        (folder,) = (await gateway.get("/api/images/facets"))["folders"]
    assert (job["state"], job["stored"], job["folder_name"]) == ("completed", 1005, "Large")
    assert (folder["folder_id"], folder["path"]) == (root.id, "")
    await flow.assert_consistent(await flow.job())
