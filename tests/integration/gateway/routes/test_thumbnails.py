"""Thumbnails over HTTP: rendered once and stored; failures are remembered and don't affect the gateway."""

import asyncio
import os
import signal
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imageferry.demo.entries import Node
from imageferry.demo.tree import Tree
from imageferry.stores.keys import thumbnail_key, thumbnail_keys
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    colors_match,
    decompression_bomb,
    encode_image,
    four_color_image,
    jpeg_with_orientation,
    quadrant_colors,
)

CORNERS = [RED, GREEN, BLUE, WHITE]
PATH = "/api/images/1/thumbnail"


@asynccontextmanager
async def gateway_with_images(flow: ImportFlow, root: Node) -> AsyncIterator[GatewayClient]:
    """Run a gateway that has imported a folder."""
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        yield gateway


def create_folder(tree: Tree, content: bytes, *, name: str = "a.jpg", mime_type: str = "image/jpeg") -> Node:
    root = tree.folder("Holiday")
    tree.file(root, name, content=content, mime_type=mime_type)
    return root


async def fetch(gateway: GatewayClient, path: str = PATH, **headers: str) -> tuple[int, bytes]:
    async with gateway.session.get(path, headers=headers) as response:
        return response.status, await response.read()


async def has_failed(gateway: GatewayClient, path: str = PATH) -> bool:
    async with gateway.session.get(path) as response:
        problem = await response.json()
        return (response.status, problem["code"], response.content_type) == (
            404,
            "thumbnail_failed",
            "application/problem+json",
        )


async def image_record(flow: ImportFlow) -> Any:  # noqa: ANN401 - a row of the catalog
    (row,) = (await flow.records()).values()
    return row


async def test_a_thumbnail_is_upright_and_stored(tree: Tree, flow: ImportFlow) -> None:
    root = create_folder(tree, jpeg_with_orientation(6, four_color_image()))
    async with gateway_with_images(flow, root) as gateway:
        async with gateway.session.get(f"{PATH}?w=300") as response:
            assert (response.status, response.content_type) == (200, "image/webp")
            assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"
            tag, body = response.headers["ETag"], await response.read()
        with Image.open(BytesIO(body)) as image:
            assert image.size == (512, 384)
            assert colors_match(quadrant_colors(image), CORNERS)
        row = await image_record(flow)
        assert row.thumbnail == "ready"
        assert len(b64decode(row.placeholder)) >= 5
        assert flow.objects()[thumbnail_key(row.object_key, width=512)] == body
        assert await fetch(gateway, f"{PATH}?w=512") == (200, body)
        assert await fetch(gateway, f"{PATH}?w=512", **{"If-None-Match": tag}) == (304, b"")
        async with gateway.session.head(f"{PATH}?w=512") as response:
            assert (response.status, response.content_length) == (200, len(body))
    await flow.assert_store_matches_catalog()


@pytest.mark.parametrize(
    ("query", "width"), [("", 512), ("?w=1", 256), ("?w=257", 512), ("?w=2000", 800), ("?w=9999", 800)]
)
async def test_a_width_is_rounded_up_but_never_beyond_the_image(
    tree: Tree, flow: ImportFlow, query: str, width: int
) -> None:
    async with gateway_with_images(flow, create_folder(tree, encode_image(four_color_image(), "JPEG"))) as gateway:
        status, body = await fetch(gateway, PATH + query)
        assert status == 200
        with Image.open(BytesIO(body)) as image:
            assert image.width == width


async def test_a_thumbnail_is_kept_in_every_kind_of_store(store: dict[str, Any], tree: Tree, flow: ImportFlow) -> None:
    flow.setting_overrides |= store
    async with gateway_with_images(flow, create_folder(tree, jpeg_with_orientation(6, four_color_image()))) as gateway:
        first = await fetch(gateway)
        assert first[0] == 200
        assert (await image_record(flow)).thumbnail == "ready"
        workers = thumbnail_workers()
        assert await fetch(gateway) == first
        with Image.open(BytesIO(first[1])) as image:
            assert colors_match(quadrant_colors(image), CORNERS)
        assert thumbnail_workers() == workers


async def test_dimensions_missing_in_the_listing_come_from_the_image(tree: Tree, flow: ImportFlow) -> None:
    flow.setting_overrides["google_api_key"] = None
    root = create_folder(tree, jpeg_with_orientation(6, four_color_image()))
    async with gateway_with_images(flow, root) as gateway:
        assert (await fetch(gateway))[0] == 200
        image = await gateway.get("/api/images/1")
        assert (image["width"], image["height"]) == (800, 600)


async def test_a_hundred_concurrent_requests_render_a_thumbnail_once(tree: Tree, flow: ImportFlow) -> None:
    async with gateway_with_images(flow, create_folder(tree, encode_image(four_color_image(), "JPEG"))) as gateway:
        responses = await asyncio.gather(*(fetch(gateway) for _ in range(100)))
        assert {status for status, _ in responses} == {200}
        assert len({body for _, body in responses}) == 1
        assert len(thumbnail_workers()) == 1


@pytest.mark.parametrize(
    ("content", "name", "mime_type"),
    [
        (encode_image(four_color_image(), "JPEG")[:3000], "cut.jpg", "image/jpeg"),
        (b"\xff\xd8\xff\xe0" + bytes(1000), "garbage.jpg", "image/jpeg"),
        (decompression_bomb(60_000), "bomb.png", "image/png"),
        (b"not an image at all", "lie.bin", "image/x-unheard-of"),
    ],
    ids=["truncated", "garbage", "bomb", "not an image"],
)
async def test_an_image_that_cannot_be_rendered_is_kept_and_remembered_as_failed(
    tree: Tree, flow: ImportFlow, content: bytes, name: str, mime_type: str
) -> None:
    async with gateway_with_images(flow, create_folder(tree, content, name=name, mime_type=mime_type)) as gateway:
        assert await has_failed(gateway)
        assert (await image_record(flow)).thumbnail == "failed"
        assert await has_failed(gateway)
        assert await fetch(gateway, "/api/images/1/content") == (200, content)
        assert await gateway.get("/health")
    await flow.assert_store_matches_catalog()


async def test_an_svg_is_never_rendered(tree: Tree, flow: ImportFlow) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    async with gateway_with_images(flow, create_folder(tree, svg, name="a.svg", mime_type="image/svg+xml")) as gateway:
        assert await has_failed(gateway)
        assert (await image_record(flow)).thumbnail is None


async def test_a_changed_files_thumbnails_replace_the_old_ones(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    file = tree.file(root, "a.png", content=encode_image(four_color_image(), "PNG"), mime_type="image/png")
    async with gateway_with_images(flow, root) as gateway:
        for width in (256, 512):
            assert (await fetch(gateway, f"{PATH}?w={width}"))[0] == 200
        tree.replace_content(file, encode_image(four_color_image().transpose(Image.Transpose.ROTATE_180), "PNG"))
        await gateway.import_folder(flow.drive.folder_url(root))
        for width in (256, 512):
            _, body = await fetch(gateway, f"{PATH}?w={width}")
            with Image.open(BytesIO(body)) as image:
                assert colors_match(quadrant_colors(image), CORNERS[::-1])
    row = await image_record(flow)
    assert flow.objects().keys() == {row.object_key, *thumbnail_keys(row.object_key)[:2]}


async def test_deleting_an_image_deletes_its_thumbnails(tree: Tree, flow: ImportFlow) -> None:
    async with gateway_with_images(flow, create_folder(tree, encode_image(four_color_image(), "JPEG"))) as gateway:
        for width in (256, 1024):
            assert (await fetch(gateway, f"{PATH}?w={width}"))[0] == 200
        async with gateway.session.delete("/api/images/1") as response:
            assert response.status == 204
        assert (await fetch(gateway))[0] == 404
    assert not flow.objects()


async def test_a_deleted_thumbnail_is_rendered_again(tree: Tree, flow: ImportFlow) -> None:
    async with gateway_with_images(flow, create_folder(tree, encode_image(four_color_image(), "JPEG"))) as gateway:
        first = await fetch(gateway)
        (flow.home / "store" / thumbnail_key((await image_record(flow)).object_key, width=512)).unlink()
        assert await fetch(gateway) == first


async def test_an_image_missing_from_the_store_is_not_remembered_as_failed(tree: Tree, flow: ImportFlow) -> None:
    async with gateway_with_images(flow, create_folder(tree, encode_image(four_color_image(), "JPEG"))) as gateway:
        path = flow.home / "store" / (await image_record(flow)).object_key
        content = path.read_bytes()
        path.unlink()
        assert (await fetch(gateway))[0] == 404
        path.write_bytes(content)
        assert (await fetch(gateway))[0] == 200


async def test_the_gateway_survives_killed_thumbnail_workers(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Many")
    for number in range(4):
        content = encode_image(Image.new("RGB", (8000, 8000), (number, 0, 0)), "PNG", compress_level=1)
        tree.file(root, f"{number}.png", content=content, mime_type="image/png")
    async with gateway_with_images(flow, root) as gateway:
        requests = [asyncio.create_task(fetch(gateway, f"/api/images/{number}/thumbnail")) for number in range(1, 5)]
        workers = await wait_for_thumbnail_workers()
        await asyncio.sleep(0.4)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        statuses = [status for status, _ in await asyncio.gather(*requests)]
        # 503: the worker was killed before it had started, so no image is to blame.
        assert set(statuses) <= {200, 404, 503}
        assert 200 in statuses
        assert await gateway.get("/health")
    assert not thumbnail_workers()


async def test_no_thumbnail_worker_survives_the_gateway(tree: Tree, flow: ImportFlow) -> None:
    content = encode_image(Image.new("RGB", (12_000, 12_000)), "PNG", compress_level=1)
    async with gateway_with_images(flow, create_folder(tree, content, name="a.png", mime_type="image/png")) as gateway:
        request = asyncio.create_task(fetch(gateway))
        await wait_for_thumbnail_workers()
    await asyncio.gather(request, return_exceptions=True)
    assert not thumbnail_workers()
    assert (await image_record(flow)).thumbnail != "failed"


async def wait_for_thumbnail_workers() -> list[int]:
    """Return the process ids of the thumbnail workers once there are any; the test's timeout bounds the wait."""
    while not (workers := thumbnail_workers()):  # noqa: ASYNC110 - a process has no event
        await asyncio.sleep(0.05)
    return workers


def thumbnail_workers() -> list[int]:
    """Return the process ids of the thumbnail workers that this process started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"imageferry.thumbnails.worker" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
