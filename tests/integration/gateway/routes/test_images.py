"""Images over HTTP: pages, everything at once, bytes, receipts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow

JPEG = b"\xff\xd8\xff\xe0"
SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("/api/images")</script></svg>'


@asynccontextmanager
async def imported(flow: Flow, root: Node) -> AsyncIterator[tuple[Served, str]]:
    """A gateway, and the id of a job that is done."""
    async with served(anywhere(flow)) as gateway:
        status = await gateway.run(flow.drive.folder_url(root))
        yield gateway, status["job_id"]


async def test_pages_follow_each_other_to_the_last_image(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Numbers")
    tree.numbered_files(root, 7, size_bytes=100)
    async with imported(flow, root) as (gateway, _):
        at, ids = "/api/images?per_page=3", []
        while at:
            page = await gateway.get(at)
            assert (page["total"], page["pages"], page["per_page"]) == (7, 3, 3)
            ids += [image["id"] for image in page["items"]]
            at = page["next"]
        assert len(set(ids)) == 7
        beyond = await gateway.get("/api/images?page=99")
        assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 7, None)
        one = await gateway.get(f"/api/images/{ids[3]}")
        assert one.items() >= (await gateway.get("/images"))[3].items()


async def test_the_bare_array_is_whole_however_many_pages_it_is_read_in(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Numbers")
    tree.numbered_files(root, 1203, size_bytes=10)
    async with imported(flow, root) as (gateway, _):
        images = await gateway.get("/images")
        assert images == await gateway.get("/api/images/all")
        assert len({image["google_drive_id"] for image in images}) == 1203


async def test_an_empty_catalog_is_an_empty_array_and_an_empty_page(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        assert await gateway.get("/images") == []
        page = await gateway.get("/api/images")
        assert (page["items"], page["total"], page["pages"], page["next"]) == ([], 0, 0, None)


async def test_an_svg_with_a_script_is_kept_out_of_our_origin(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Drawings")
    tree.file(root, "a.svg", content=SCRIPT, mime_type="image/svg+xml")
    async with imported(flow, root) as (gateway, _), gateway.session.get("/api/images/1/content") as answer:
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/svg+xml", SCRIPT)
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox" in policy.split("; ")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_bytes_come_with_their_length_and_are_not_sent_twice(tree: Tree, flow: Flow) -> None:
    content = JPEG + bytes(3_000_000)
    root = tree.folder("Large")
    tree.file(root, "ä large one.jpg", content=content, mime_type="image/jpeg")
    async with imported(flow, root) as (gateway, _):
        async with gateway.session.get("/api/images/1/content") as answer:
            assert (answer.content_length, await answer.read()) == (len(content), content)
            assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''%C3%A4%20large%20one.jpg"
            tag = answer.headers["ETag"]
        async with gateway.session.get("/api/images/1/content", headers={"If-None-Match": f'"x", W/{tag}'}) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)


async def test_an_object_that_is_gone_from_the_store_is_a_problem_and_not_a_crash(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=JPEG, mime_type="image/jpeg")
    async with imported(flow, root) as (gateway, _):
        for path in (flow.home / "store").rglob("*.jpg"):
            path.unlink()
        async with gateway.session.get("/api/images/1/content") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_the_receipt_lists_every_file_as_lines_and_as_a_table(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    file = tree.file(root, "a.jpg", content=JPEG, mime_type="image/jpeg")
    tree.document(root, "Notes")
    async with imported(flow, root) as (gateway, job_id):
        async with gateway.session.get(f"/api/jobs/{job_id}/manifest.jsonl") as answer:
            entries = {entry["id"]: entry for entry in map(json.loads, (await answer.text()).splitlines())}
        async with gateway.session.get(f"/api/jobs/{job_id}/manifest.csv") as answer:
            assert answer.content_type == "text/csv"
            rows = (await answer.text()).splitlines()
    assert sorted(entry["outcome"] for entry in entries.values()) == ["skipped", "stored"]
    assert (entries[file.id]["size"], entries[file.id]["key"]) == (4, f"{root.id}/{file.id}_a.jpg")
    assert rows[0].startswith("id,name,path,key,size,digest,outcome")
    assert len(rows) == 3
