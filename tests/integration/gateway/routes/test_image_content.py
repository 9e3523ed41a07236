"""An image's bytes over HTTP: whole, in ranges, to save, or by the store's own URL; from stores of each kind."""

from random import Random
from typing import Any

import aiohttp
from yarl import URL

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow

CONTENT = b"\xff\xd8\xff\xe0" + Random(7).randbytes(3_000_000)
PATH = "/api/images/1/content"


async def test_bytes_come_whole_in_ranges_and_by_a_signed_url(store: dict[str, Any], tree: Tree, flow: Flow) -> None:
    root = tree.folder("Large")
    tree.file(root, "large.jpg", content=CONTENT, mime_type="image/jpeg")
    flow.given |= store
    async with served(anywhere(flow)) as gateway:
        assert (await gateway.run(flow.drive.folder_url(root)))["status"] == "completed"
        assert await _read(gateway) == (200, CONTENT)
        assert await _read(gateway, Range="bytes=1000000-2000009") == (206, CONTENT[1_000_000:2_000_010])
        assert await _read(gateway, Range="bytes=-7") == (206, CONTENT[-7:])
        async with gateway.session.get(f"{PATH}?redirect=1", allow_redirects=False) as answer:
            if not store:
                assert (answer.status, await answer.read()) == (200, CONTENT)
                return
            assert (answer.status, answer.headers["Cache-Control"]) == (307, "no-store")
            signed = answer.headers["Location"]
        async with aiohttp.ClientSession() as anybody, anybody.get(URL(signed, encoded=True)) as answer:
            assert (answer.status, await answer.read()) == (200, CONTENT)


async def test_a_range_tells_where_it_is_and_one_beyond_the_end_is_a_problem(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Small")
    tree.file(root, "a.jpg", content=CONTENT[:100], mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        async with gateway.session.get(PATH, headers={"Range": "bytes=90-"}) as answer:
            assert (answer.status, answer.content_length) == (206, 10)
            assert answer.headers["Content-Range"] == "bytes 90-99/100"
            assert answer.headers["Accept-Ranges"] == "bytes"
            tag = answer.headers["ETag"]
        async with gateway.session.get(PATH, headers={"Range": "bytes=100-"}) as answer:
            assert (answer.status, answer.content_type) == (416, "application/problem+json")
            assert answer.headers["Content-Range"] == "bytes */100"
        assert await _read(gateway, Range="bytes=0-1,5-6") == (200, CONTENT[:100])
        assert await _read(gateway, Range="bytes=0-1", **{"If-Range": tag}) == (206, CONTENT[:2])
        assert await _read(gateway, Range="bytes=0-1", **{"If-Range": '"older"'}) == (200, CONTENT[:100])
        assert await _read(gateway, Range="bytes=0-1", **{"If-None-Match": tag}) == (304, b"")


async def test_head_tells_all_but_the_bytes(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Small")
    tree.file(root, "a.jpg", content=CONTENT[:100], mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        async with gateway.session.head(PATH) as answer:
            assert (answer.status, answer.content_length, answer.content_type) == (200, 100, "image/jpeg")
            assert await answer.read() == b""
        async with gateway.session.head(PATH, headers={"Range": "bytes=0-9"}) as answer:
            assert (answer.status, answer.content_length) == (206, 10)
        async with gateway.session.head("/api/images/2/content") as answer:
            assert answer.status == 404


async def test_a_download_is_saved_under_the_images_name(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Small")
    tree.file(root, 'a "b"\r\nX: y/ü.jpg', content=CONTENT[:100], mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        async with gateway.session.get(f"{PATH}?download=1") as answer:
            assert answer.headers["Content-Disposition"] == (
                "attachment; filename*=UTF-8''a%20%22b%22%0D%0AX%3A%20y%2F%C3%BC.jpg"
            )
            assert "X" not in answer.headers


async def _read(gateway: Served, **headers: str) -> tuple[int, bytes]:
    async with gateway.session.get(PATH, headers=headers) as answer:
        return answer.status, await answer.read()
