"""Images over HTTP: pages, the complete array, content and manifests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

JPEG = b"\xff\xd8\xff\xe0"
SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("/api/images")</script></svg>'


@asynccontextmanager
async def gateway_with_images(flow: ImportFlow, root: Node) -> AsyncIterator[tuple[GatewayClient, str]]:
    """Run a gateway that has imported a folder; yield a client and the job's id."""
    async with running_gateway(on_free_port(flow)) as gateway:
        status = await gateway.import_folder(flow.drive.folder_url(root))
        yield gateway, status["job_id"]


async def test_pages_follow_each_other_to_the_last_image(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Numbers")
    tree.numbered_files(root, 7, size_bytes=100)
    async with gateway_with_images(flow, root) as (gateway, _):
        url, ids = "/api/images?per_page=3", []
        while url:
            page = await gateway.get(url)
            assert (page["total"], page["pages"], page["per_page"]) == (7, 3, 3)
            ids += [image["id"] for image in page["items"]]
            url = page["next"]
        assert len(set(ids)) == 7
        beyond = await gateway.get("/api/images?page=99")
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 7, None)
        one = await gateway.get(f"/api/images/{ids[3]}")
        assert one.items() >= (await gateway.get("/images"))[3].items()


async def test_the_array_is_complete_although_it_is_read_in_pages(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Numbers")
    tree.numbered_files(root, 1203, size_bytes=10)
    async with gateway_with_images(flow, root) as (gateway, _):
        images = await gateway.get("/images")
        assert images == await gateway.get("/api/images/all")
        assert len({image["google_drive_id"] for image in images}) == 1203


async def test_an_empty_catalog_is_an_empty_array_and_an_empty_page(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        assert await gateway.get("/images") == []
        page = await gateway.get("/api/images")
        assert (page["items"], page["total"], page["pages"], page["next"]) == ([], 0, 0, None)


async def test_an_svg_with_a_script_is_sandboxed(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Drawings")
    tree.file(root, "a.svg", content=SCRIPT, mime_type="image/svg+xml")
    async with (
        gateway_with_images(flow, root) as (gateway, _),
        gateway.session.get("/api/images/1/content") as response,
    ):
        assert (response.status, response.content_type, await response.read()) == (200, "image/svg+xml", SCRIPT)
        policy = response.headers["Content-Security-Policy"]
        assert "sandbox" in policy.split("; ")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_content_has_a_length_and_is_not_sent_to_clients_that_have_it(tree: Tree, flow: ImportFlow) -> None:
    content = JPEG + bytes(3_000_000)
    root = tree.folder("Large")
    tree.file(root, "ä large one.jpg", content=content, mime_type="image/jpeg")
    async with gateway_with_images(flow, root) as (gateway, _):
        async with gateway.session.get("/api/images/1/content") as response:
            assert (response.content_length, await response.read()) == (len(content), content)
            assert response.headers["Content-Disposition"] == "inline; filename*=UTF-8''%C3%A4%20large%20one.jpg"
            tag = response.headers["ETag"]
        async with gateway.session.get("/api/images/1/content", headers={"If-None-Match": f'"x", W/{tag}'}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)


async def test_a_missing_object_is_answered_with_a_problem(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=JPEG, mime_type="image/jpeg")
    async with gateway_with_images(flow, root) as (gateway, _):
        for path in (flow.home / "store").rglob("*.jpg"):
            path.unlink()
        async with gateway.session.get("/api/images/1/content") as response:
            assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_the_manifest_lists_every_file_as_json_lines_and_csv(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    file = tree.file(root, "a.jpg", content=JPEG, mime_type="image/jpeg")
    tree.document(root, "Notes")
    async with gateway_with_images(flow, root) as (gateway, job_id):
        async with gateway.session.get(f"/api/jobs/{job_id}/manifest.jsonl") as response:
            entries = {entry["id"]: entry for entry in map(json.loads, (await response.text()).splitlines())}
        async with gateway.session.get(f"/api/jobs/{job_id}/manifest.csv") as response:
            assert response.content_type == "text/csv"
            rows = (await response.text()).splitlines()
    assert sorted(entry["outcome"] for entry in entries.values()) == ["skipped", "stored"]
    assert (entries[file.id]["size"], entries[file.id]["key"]) == (4, f"{root.id}/{file.id}_a.jpg")
    assert rows[0].startswith('"id","name","path","key","size","digest","outcome"')
    assert len(rows) == 3
