"""A plan's samples as pictures: of files that a preview showed, each read from its source once."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from imageferry.thumbnails.source_thumbnails import FILE_BYTES_MAX
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.pictures import BLUE, GREEN, RED, WHITE, alike, corners, quarters, saved, stored_as

pytestmark = pytest.mark.integration


async def samples(gateway: Served, flow: Flow, root: Node) -> dict[str, Any]:
    """The samples' addresses, by name."""
    body = {"folder_url": flow.drive.folder_url(root)}
    async with gateway.session.post("/api/import/preview", json=body) as answer:
        return {sample["name"]: sample["thumbnail_url"] for sample in (await answer.json())["samples"]}


async def seen(gateway: Served, url: str) -> tuple[str, str, bytes]:
    async with gateway.session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return answer.content_type, answer.headers["Cache-Control"], await answer.read()


def downloads(flow: Flow) -> int:
    return flow.drive.requests.downloads_by_file.total()


async def test_samples_are_seen_before_anything_is_imported_and_each_is_read_once(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "turned.jpg", content=stored_as(6, quarters()))
    async with served(anywhere(flow)) as gateway:
        url = (await samples(gateway, flow, root))["turned.jpg"]
        assert (await samples(gateway, flow, root))["turned.jpg"] == url
        answers = await asyncio.gather(*(seen(gateway, url) for _ in range(4)))
        ((kind, kept, body),) = set(answers)
        assert (kind, kept) == ("image/webp", "private, max-age=3600")
        shown = Image.open(BytesIO(body))
        assert alike(corners(shown), [RED, GREEN, BLUE, WHITE])
        assert shown.width <= 256
        assert downloads(flow) == 1
        assert (await gateway.get("/api/jobs"))["items"] == (await gateway.get("/api/images"))["items"] == []


async def test_what_cannot_be_drawn_is_said_to_be_so_and_not_read_again(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "torn.jpg", content=b"\xff\xd8\xff\xe0")
    tree.file(root, "drawing.svg", content=b"<svg/>", mime_type="image/svg+xml")
    tree.file(root, "large.tif", content=bytes(FILE_BYTES_MAX + 1), mime_type="image/tiff")
    async with served(anywhere(flow)) as gateway:
        urls = await samples(gateway, flow, root)
        assert urls["drawing.svg"] is urls["large.tif"] is None
        for _ in range(2):
            async with gateway.session.get(urls["torn.jpg"]) as answer:
                assert (answer.status, (await answer.json())["code"]) == (404, "thumbnail_failed")
        assert downloads(flow) == 1


async def test_only_what_a_preview_showed_is_read(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=saved(quarters(), "PNG"), mime_type="image/png")
    async with served(anywhere(flow)) as gateway:
        url = (await samples(gateway, flow, root))["a.png"]
        for forged in (url[:-2], url.partition("=")[0] + "=x"):
            async with gateway.session.get(forged) as answer:
                assert answer.status == 404
        assert downloads(flow) == 0
