"""Thumbnails of a preview's sample files, each read from its source once."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from imageferry.thumbnails.source_thumbnails import FILE_BYTES_MAX
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    colors_match,
    encode_image,
    four_color_image,
    jpeg_with_orientation,
    quadrant_colors,
)

pytestmark = pytest.mark.integration


async def sample_urls(gateway: GatewayClient, flow: ImportFlow, root: Node) -> dict[str, Any]:
    """Return the samples' thumbnail URLs by file name."""
    body = {"folder_url": flow.drive.folder_url(root)}
    async with gateway.session.post("/api/import/preview", json=body) as response:
        return {sample["name"]: sample["thumbnail_url"] for sample in (await response.json())["samples"]}


async def fetch(gateway: GatewayClient, url: str) -> tuple[str, str, bytes]:
    async with gateway.session.get(url) as response:
        assert response.status == 200, await response.text()
        return response.content_type, response.headers["Cache-Control"], await response.read()


def download_count(flow: ImportFlow) -> int:
    return flow.drive.requests.downloads_by_file.total()


async def test_samples_have_thumbnails_before_the_import_and_each_is_read_once(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "turned.jpg", content=jpeg_with_orientation(6, four_color_image()))
    async with running_gateway(on_free_port(flow)) as gateway:
        url = (await sample_urls(gateway, flow, root))["turned.jpg"]
        assert (await sample_urls(gateway, flow, root))["turned.jpg"] == url
        responses = await asyncio.gather(*(fetch(gateway, url) for _ in range(4)))
        ((content_type, cache_control, body),) = set(responses)
        assert (content_type, cache_control) == ("image/webp", "private, max-age=3600")
        thumbnail = Image.open(BytesIO(body))
        assert colors_match(quadrant_colors(thumbnail), [RED, GREEN, BLUE, WHITE])
        assert thumbnail.width <= 256
        assert download_count(flow) == 1
        assert (await gateway.get("/api/jobs"))["items"] == (await gateway.get("/api/images"))["items"] == []


async def test_a_file_that_cannot_be_rendered_is_reported_and_not_read_again(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "torn.jpg", content=b"\xff\xd8\xff\xe0")
    tree.file(root, "drawing.svg", content=b"<svg/>", mime_type="image/svg+xml")
    tree.file(root, "large.tif", content=bytes(FILE_BYTES_MAX + 1), mime_type="image/tiff")
    async with running_gateway(on_free_port(flow)) as gateway:
        urls = await sample_urls(gateway, flow, root)
        assert urls["drawing.svg"] is urls["large.tif"] is None
        for _ in range(2):
            async with gateway.session.get(urls["torn.jpg"]) as response:
                assert (response.status, (await response.json())["code"]) == (404, "thumbnail_failed")
        assert download_count(flow) == 1


async def test_only_files_that_a_preview_showed_are_read(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.png", content=encode_image(four_color_image(), "PNG"), mime_type="image/png")
    async with running_gateway(on_free_port(flow)) as gateway:
        url = (await sample_urls(gateway, flow, root))["a.png"]
        for forged in (url[:-2], url.partition("=")[0] + "=x"):
            async with gateway.session.get(forged) as response:
                assert response.status == 404
        assert download_count(flow) == 0
