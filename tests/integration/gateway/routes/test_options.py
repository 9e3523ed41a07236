"""Import options, idempotency keys, previews, and lists of jobs and items."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.integration


def create_mixed_folder(tree: Tree) -> Node:
    root = tree.folder("Mixed")
    tree.file(root, "small.jpg", content=JPEG + b"s" * 10)
    tree.file(root, "large.jpg", content=JPEG + b"l" * 5000)
    tree.file(root, "old.png", content=PNG + b"o" * 100, modified_at=datetime(2001, 1, 1, tzinfo=UTC))
    tree.file(root, "new.png", content=PNG + b"n" * 100, modified_at=datetime(2026, 1, 1, tzinfo=UTC))
    tree.file(root, "locked.jpg", content=JPEG + b"x" * 100, downloadable=False)
    tree.document(root, "notes")
    return root


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"mime_types": ["image/png"]}, {"old.png", "new.png"}),
        ({"mime_types": ["image/*"], "size_min": 1000}, {"large.jpg"}),
        ({"size_max": 100}, {"small.jpg"}),
        ({"modified_after": "2026-01-01"}, {"new.png"}),
        ({"mime_types": ["image/png"], "modified_before": "2026-01-01"}, {"old.png"}),
    ],
)
async def test_options_select_files(tree: Tree, flow: ImportFlow, options: dict[str, Any], names: set[str]) -> None:
    root = create_mixed_folder(tree)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root), **options)
        status = await gateway.wait_until_finished(job_id)
        assert {image["name"] for image in status["imported"]} == names
        assert status["total"] == 6
        job_options = (await gateway.get(f"/api/jobs/{job_id}"))["options"]
        assert {name: job_options[name] for name in options} == options


async def test_a_changed_file_keeps_its_stored_version_on_request(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=JPEG + b"old")
    async with running_gateway(on_free_port(flow)) as gateway:
        url = flow.drive.folder_url(root)
        await gateway.import_folder(url)
        (before,) = await gateway.get("/images")
        tree.replace_content(file, JPEG + b"new and longer")
        status = await gateway.import_folder(url, on_change="keep")
        assert (status["stored"], status["skipped"]) == (0, 1)
        job = await gateway.get(f"/api/jobs/{status['job_id']}")
        assert [skip["reason"] for skip in job["skips"]] == ["kept_existing"]
        assert (await gateway.get("/images"))[0]["checksum"] == before["checksum"]
        assert (await gateway.import_folder(url))["stored"] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"mime_types": ["text/plain"]},
        {"size_min": 10, "size_max": 5},
        {"size_min": -1},
        {"modified_after": "2026-01-02", "modified_before": "2026-01-02"},
        {"modified_after": "yesterday"},
        {"modified_after": 1735689600},
        {"priority": 11},
        {"on_change": "merge"},
        {"webhook_url": "http://169.254.169.254/"},
    ],
)
async def test_invalid_options_are_rejected(tree: Tree, flow: ImportFlow, options: dict[str, Any]) -> None:
    root = tree.folder("Root")
    async with running_gateway(on_free_port(flow)) as gateway:
        body = {"folder_url": flow.drive.folder_url(root), **options}
        for path in ("/api/import/google-drive", "/api/import/preview"):
            async with gateway.session.post(path, json=body) as response:
                if path.endswith("preview") and ("webhook_url" in options):
                    continue
                assert response.status == 400, await response.text()
        assert (await gateway.get("/api/jobs"))["items"] == []


async def test_a_hundred_equal_requests_with_one_idempotency_key_are_one_job(tree: Tree, flow: ImportFlow) -> None:
    root = create_mixed_folder(tree)
    body = {"folder_url": flow.drive.folder_url(root)}
    async with running_gateway(on_free_port(flow)) as gateway:
        responses = await asyncio.gather(*(_start(gateway, body, key="one") for _ in range(100)))
        assert {status for status, _ in responses} == {202}
        (job_id,) = {result["job_id"] for _, result in responses}
        await gateway.wait_until_finished(job_id)
        assert (await _start(gateway, body, key="one"))[1]["job_id"] == job_id
        assert (await _start(gateway, body, key="two"))[1]["job_id"] != job_id
        status, result = await _start(gateway, body | {"recursive": False}, key="one")
        assert (status, result["code"]) == (422, "key_reused")
        assert len((await gateway.get("/api/jobs"))["items"]) == 2


async def test_a_link_is_checked_by_its_format(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    async with running_gateway(on_free_port(flow)) as gateway:
        async with gateway.session.get("/api/import/check", params={"url": flow.drive.folder_url(root)}) as response:
            result = await response.json()
            assert (response.status, result["kind"], result["folder_id"]) == (200, "folder", root.id)
        async with gateway.session.get("/api/import/check", params={"url": "https://example.org/"}) as response:
            assert response.status == 400
            assert (await response.json())["code"] == "not_a_folder_url"


async def test_a_preview_shows_what_an_import_would_do_and_changes_nothing(tree: Tree, flow: ImportFlow) -> None:
    root = create_mixed_folder(tree)
    async with running_gateway(on_free_port(flow)) as gateway:
        body = {"folder_url": flow.drive.folder_url(root), "size_max": 4000}
        async with gateway.session.post("/api/import/preview", json=body) as response:
            assert response.status == 200, await response.text()
            result = await response.json()
        assert (result["folder_name"], result["complete"], result["files"], result["to_store"]) == ("Mixed", True, 6, 3)
        assert {sample["name"] for sample in result["samples"]} == {"small.jpg", "old.png", "new.png"}
        assert {skip["reason"]: skip["count"] for skip in result["skips"]} == {"native_document": 1, "excluded": 1}
        (failure,) = result["failures"]
        assert (failure["reason"], failure["mender"]) == ("forbidden", "owner")
        assert failure["title"].endswith(".")
        assert (await gateway.get("/api/jobs"))["items"] == []


async def test_a_preview_of_a_slow_folder_shows_what_was_listed_in_time(tree: Tree, flow: ImportFlow) -> None:
    root = folder = tree.folder("Root")
    for number in range(12):
        tree.file(folder, "a.jpg", content=JPEG)
        folder = tree.folder(f"{number}", parent=folder)
    async with DriveTestServer(tree, latency_s=1.2) as slow:
        flow.drive = slow
        async with running_gateway(on_free_port(flow)) as gateway:
            body = {"folder_url": slow.folder_url(root)}
            async with gateway.session.post("/api/import/preview", json=body) as response:
                result = await response.json()
                assert response.status == 200, result
            assert not result["complete"]
            assert 0 < result["files"] < 12


async def test_a_jobs_source_url_contains_the_resource_key(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Old", with_resource_key=True)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        job = await gateway.get(f"/api/jobs/{job_id}")
    assert job["source_url"] == f"https://drive.google.com/drive/folders/{root.id}?resourcekey={root.resource_key}"


async def test_a_jobs_items_are_listed_by_state_and_reason_in_pages(tree: Tree, flow: ImportFlow) -> None:
    root = create_mixed_folder(tree)
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = await gateway.start_import(flow.drive.folder_url(root))
        await gateway.wait_until_finished(job_id)
        path = f"/api/jobs/{job_id}/items"
        for filters, count in (("", 6), ("&state=stored", 4), ("&reason=native_document", 1), ("&state=failed", 1)):
            found = await _all_items(gateway, f"{path}?limit=2{filters}")
            assert len({item["id"] for item in found}) == len(found) == count
        (failed,) = (await gateway.get(f"{path}?state=failed"))["items"]
        assert (failed["name"], failed["reason"], failed["image_id"]) == ("locked.jpg", "forbidden", None)
        assert failed["source_url"] == f"https://drive.google.com/file/d/{failed['file_id']}/view"
        stored = (await gateway.get(f"{path}?state=stored&limit=1"))["items"][0]
        assert (await gateway.get(f"/api/images/{stored['image_id']}"))["name"] == stored["name"]
        cursor = (await gateway.get(f"{path}?limit=2"))["next"]
        for forged in (f"{path}?state=stored&cursor={cursor}", f"{path}?cursor=forged", f"{path}?limit=0"):
            async with gateway.session.get(forged) as response:
                assert response.status == 400
        async with gateway.session.get(f"/api/jobs/{job_id}/failures.csv") as response:
            lines = (await response.text()).splitlines()
            assert len(lines) == 2
            assert "locked.jpg" in lines[1]


async def test_jobs_are_listed_by_state_in_pages(tree: Tree, flow: ImportFlow) -> None:
    root = create_mixed_folder(tree)
    async with running_gateway(on_free_port(flow)) as gateway:
        ids = [(await gateway.import_folder(flow.drive.folder_url(root)))["job_id"] for _ in range(5)]
        found = await _all_items(gateway, "/api/jobs?limit=2")
        assert [job["id"] for job in found] == ids[::-1]
        assert len(await _all_items(gateway, "/api/jobs?limit=2&state=completed")) == 5
        assert await _all_items(gateway, "/api/jobs?state=failed") == []


async def _all_items(gateway: GatewayClient, path: str) -> list[dict[str, Any]]:
    page = await gateway.get(path)
    found = list(page["items"])
    while page["next"] is not None:
        page = await gateway.get(f"{path}&cursor={page['next']}")
        found += page["items"]
    return found


async def _start(gateway: GatewayClient, body: dict[str, Any], *, key: str) -> tuple[int, dict[str, Any]]:
    headers = {"Idempotency-Key": key}
    async with gateway.session.post("/api/import/google-drive", json=body, headers=headers) as response:
        return response.status, await response.json()
