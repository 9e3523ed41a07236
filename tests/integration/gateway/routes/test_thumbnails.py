"""Thumbnails over HTTP: made once, kept, remembered when they cannot be made; the gateway unhurt."""

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
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    alike,
    bomb,
    corners,
    quarters,
    saved,
    stored_as,
)

SHOWN = [RED, GREEN, BLUE, WHITE]
PATH = "/api/images/1/thumbnail"


@asynccontextmanager
async def imported(flow: Flow, root: Node) -> AsyncIterator[Served]:
    """A gateway that has imported a folder."""
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        yield gateway


def folder_of(tree: Tree, content: bytes, *, name: str = "a.jpg", mime_type: str = "image/jpeg") -> Node:
    root = tree.folder("Holiday")
    tree.file(root, name, content=content, mime_type=mime_type)
    return root


async def got(gateway: Served, path: str = PATH, **headers: str) -> tuple[int, bytes]:
    async with gateway.session.get(path, headers=headers) as answer:
        return answer.status, await answer.read()


async def failed(gateway: Served, path: str = PATH) -> bool:
    async with gateway.session.get(path) as answer:
        problem = await answer.json()
        return (answer.status, problem["code"], answer.content_type) == (
            404,
            "thumbnail_failed",
            "application/problem+json",
        )


async def record(flow: Flow) -> Any:  # noqa: ANN401 - a row
    (row,) = (await flow.records()).values()
    return row


async def test_a_thumbnail_is_upright_and_kept_for_good(tree: Tree, flow: Flow) -> None:
    root = folder_of(tree, stored_as(6, quarters()))
    async with imported(flow, root) as gateway:
        async with gateway.session.get(f"{PATH}?w=300") as answer:
            assert (answer.status, answer.content_type) == (200, "image/webp")
            assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
            tag, body = answer.headers["ETag"], await answer.read()
        with Image.open(BytesIO(body)) as image:
            assert image.size == (512, 384)
            assert alike(corners(image), SHOWN)
        row = await record(flow)
        assert row.thumbnail == "ready"
        assert len(b64decode(row.placeholder)) >= 5
        assert flow.objects()[thumbnail_key(row.object_key, width=512)] == body
        assert await got(gateway, f"{PATH}?w=512") == (200, body)
        assert await got(gateway, f"{PATH}?w=512", **{"If-None-Match": tag}) == (304, b"")
        async with gateway.session.head(f"{PATH}?w=512") as answer:
            assert (answer.status, answer.content_length) == (200, len(body))
    await flow.store_is_the_catalogs()


@pytest.mark.parametrize(
    ("asked", "width"), [("", 512), ("?w=1", 256), ("?w=257", 512), ("?w=2000", 800), ("?w=9999", 800)]
)
async def test_a_width_is_rounded_up_and_never_beyond_the_picture(
    tree: Tree, flow: Flow, asked: str, width: int
) -> None:
    async with imported(flow, folder_of(tree, saved(quarters(), "JPEG"))) as gateway:
        status, body = await got(gateway, PATH + asked)
        assert status == 200
        with Image.open(BytesIO(body)) as image:
            assert image.width == width


async def test_it_is_kept_in_a_store_of_any_kind(store: dict[str, Any], tree: Tree, flow: Flow) -> None:
    flow.given |= store
    async with imported(flow, folder_of(tree, stored_as(6, quarters()))) as gateway:
        first = await got(gateway)
        assert first[0] == 200
        assert (await record(flow)).thumbnail == "ready"
        children = decoders()
        assert await got(gateway) == first
        with Image.open(BytesIO(first[1])) as image:
            assert alike(corners(image), SHOWN)
        assert decoders() == children


async def test_what_the_listing_does_not_tell_the_picture_does(tree: Tree, flow: Flow) -> None:
    flow.given["google_api_key"] = None
    root = folder_of(tree, stored_as(6, quarters()))
    async with imported(flow, root) as gateway:
        assert (await got(gateway))[0] == 200
        image = await gateway.get("/api/images/1")
        assert (image["width"], image["height"]) == (800, 600)


async def test_a_hundred_who_ask_at_once_have_it_made_once(tree: Tree, flow: Flow) -> None:
    async with imported(flow, folder_of(tree, saved(quarters(), "JPEG"))) as gateway:
        answers = await asyncio.gather(*(got(gateway) for _ in range(100)))
        assert {status for status, _ in answers} == {200}
        assert len({body for _, body in answers}) == 1
        assert len(decoders()) == 1


@pytest.mark.parametrize(
    ("content", "name", "mime_type"),
    [
        (saved(quarters(), "JPEG")[:3000], "cut.jpg", "image/jpeg"),
        (b"\xff\xd8\xff\xe0" + bytes(1000), "garbage.jpg", "image/jpeg"),
        (bomb(60_000), "bomb.png", "image/png"),
        (b"not a picture at all", "lie.bin", "image/x-unheard-of"),
    ],
    ids=["truncated", "garbage", "bomb", "no picture"],
)
async def test_what_cannot_be_drawn_is_kept_and_remembered(
    tree: Tree, flow: Flow, content: bytes, name: str, mime_type: str
) -> None:
    async with imported(flow, folder_of(tree, content, name=name, mime_type=mime_type)) as gateway:
        assert await failed(gateway)
        assert (await record(flow)).thumbnail == "failed"
        assert await failed(gateway)
        assert await got(gateway, "/api/images/1/content") == (200, content)
        assert await gateway.get("/health")
    await flow.store_is_the_catalogs()


async def test_a_drawing_is_never_drawn_here(tree: Tree, flow: Flow) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    async with imported(flow, folder_of(tree, svg, name="a.svg", mime_type="image/svg+xml")) as gateway:
        assert await failed(gateway)
        assert (await record(flow)).thumbnail is None


async def test_a_changed_file_has_a_new_thumbnail_in_the_place_of_the_old(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    file = tree.file(root, "a.png", content=saved(quarters(), "PNG"), mime_type="image/png")
    async with imported(flow, root) as gateway:
        for width in (256, 512):
            assert (await got(gateway, f"{PATH}?w={width}"))[0] == 200
        tree.replace_content(file, saved(quarters().transpose(Image.Transpose.ROTATE_180), "PNG"))
        await gateway.run(flow.drive.folder_url(root))
        for width in (256, 512):
            _, body = await got(gateway, f"{PATH}?w={width}")
            with Image.open(BytesIO(body)) as image:
                assert alike(corners(image), SHOWN[::-1])
    row = await record(flow)
    assert flow.objects().keys() == {row.object_key, *thumbnail_keys(row.object_key)[:2]}


async def test_a_deleted_image_takes_its_thumbnails_along(tree: Tree, flow: Flow) -> None:
    async with imported(flow, folder_of(tree, saved(quarters(), "JPEG"))) as gateway:
        for width in (256, 1024):
            assert (await got(gateway, f"{PATH}?w={width}"))[0] == 200
        async with gateway.session.delete("/api/images/1") as answer:
            assert answer.status == 204
        assert (await got(gateway))[0] == 404
    assert not flow.objects()


async def test_a_thumbnail_that_somebody_removed_is_made_again(tree: Tree, flow: Flow) -> None:
    async with imported(flow, folder_of(tree, saved(quarters(), "JPEG"))) as gateway:
        first = await got(gateway)
        (flow.home / "store" / thumbnail_key((await record(flow)).object_key, width=512)).unlink()
        assert await got(gateway) == first


async def test_an_image_that_is_gone_from_the_store_is_not_remembered_as_failed(tree: Tree, flow: Flow) -> None:
    async with imported(flow, folder_of(tree, saved(quarters(), "JPEG"))) as gateway:
        kept = flow.home / "store" / (await record(flow)).object_key
        content = kept.read_bytes()
        kept.unlink()
        assert (await got(gateway))[0] == 404
        kept.write_bytes(content)
        assert (await got(gateway))[0] == 200


async def test_the_gateway_outlives_every_decoder_that_is_killed(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Many")
    for number in range(4):
        content = saved(Image.new("RGB", (8000, 8000), (number, 0, 0)), "PNG", compress_level=1)
        tree.file(root, f"{number}.png", content=content, mime_type="image/png")
    async with imported(flow, root) as gateway:
        asking = [asyncio.create_task(got(gateway, f"/api/images/{number}/thumbnail")) for number in range(1, 5)]
        children = await begun()
        await asyncio.sleep(0.4)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        statuses = [status for status, _ in await asyncio.gather(*asking)]
        # 503: it was killed before it had begun, which is no picture's fault.
        assert set(statuses) <= {200, 404, 503}
        assert 200 in statuses
        assert await gateway.get("/health")
    assert not decoders()


async def test_nobody_decodes_once_the_gateway_has_ended(tree: Tree, flow: Flow) -> None:
    content = saved(Image.new("RGB", (12_000, 12_000)), "PNG", compress_level=1)
    async with imported(flow, folder_of(tree, content, name="a.png", mime_type="image/png")) as gateway:
        asking = asyncio.create_task(got(gateway))
        await begun()
    await asyncio.gather(asking, return_exceptions=True)
    assert not decoders()
    assert (await record(flow)).thumbnail != "failed"


async def begun() -> list[int]:
    """The decoding processes, once there are any."""
    for _ in range(400):
        if found := decoders():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("Nothing is being decoded.")


def decoders() -> list[int]:
    """The decoding processes that this process started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"imageferry.thumbnails.worker" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
