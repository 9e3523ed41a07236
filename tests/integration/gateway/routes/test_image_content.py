"""An image's bytes over HTTP: complete, as ranges, as a download, and by signed URL, from each kind of store."""

from random import Random
from typing import Any

import aiohttp
from yarl import URL

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

CONTENT = b"\xff\xd8\xff\xe0" + Random(7).randbytes(3_000_000)
PATH = "/api/images/1/content"


async def test_content_is_served_completely_by_range_and_by_signed_url(
    store: dict[str, Any], tree: Tree, flow: ImportFlow
) -> None:
    root = tree.folder("Large")
    tree.file(root, "large.jpg", content=CONTENT, mime_type="image/jpeg")
    flow.setting_overrides |= store
    async with running_gateway(on_free_port(flow)) as gateway:
        assert (await gateway.import_folder(flow.drive.folder_url(root)))["status"] == "completed"
        assert await _read(gateway) == (200, CONTENT)
        assert await _read(gateway, Range="bytes=1000000-2000009") == (206, CONTENT[1_000_000:2_000_010])
        assert await _read(gateway, Range="bytes=-7") == (206, CONTENT[-7:])
        async with gateway.session.get(f"{PATH}?redirect=1", allow_redirects=False) as response:
            if not store:
                assert (response.status, await response.read()) == (200, CONTENT)
                return
            assert (response.status, response.headers["Cache-Control"]) == (307, "no-store")
            signed = response.headers["Location"]
        async with aiohttp.ClientSession() as anonymous, anonymous.get(URL(signed, encoded=True)) as response:
            assert (response.status, await response.read()) == (200, CONTENT)


async def test_a_range_has_content_range_and_one_beyond_the_end_is_a_problem(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Small")
    tree.file(root, "a.jpg", content=CONTENT[:100], mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        async with gateway.session.get(PATH, headers={"Range": "bytes=90-"}) as response:
            assert (response.status, response.content_length) == (206, 10)
            assert response.headers["Content-Range"] == "bytes 90-99/100"
            assert response.headers["Accept-Ranges"] == "bytes"
            tag = response.headers["ETag"]
        async with gateway.session.get(PATH, headers={"Range": "bytes=100-"}) as response:
            assert (response.status, response.content_type) == (416, "application/problem+json")
            assert response.headers["Content-Range"] == "bytes */100"
        assert await _read(gateway, Range="bytes=0-1,5-6") == (200, CONTENT[:100])
        assert await _read(gateway, Range="bytes=0-1", **{"If-Range": tag}) == (206, CONTENT[:2])
        assert await _read(gateway, Range="bytes=0-1", **{"If-Range": '"older"'}) == (200, CONTENT[:100])
        assert await _read(gateway, Range="bytes=0-1", **{"If-None-Match": tag}) == (304, b"")


async def test_head_returns_everything_but_the_bytes(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Small")
    tree.file(root, "a.jpg", content=CONTENT[:100], mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        async with gateway.session.head(PATH) as response:
            assert (response.status, response.content_length, response.content_type) == (200, 100, "image/jpeg")
            assert await response.read() == b""
        async with gateway.session.head(PATH, headers={"Range": "bytes=0-9"}) as response:
            assert (response.status, response.content_length) == (206, 10)
        async with gateway.session.head("/api/images/2/content") as response:
            assert response.status == 404


async def test_a_download_has_the_images_name(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Small")
    tree.file(root, 'a "b"\r\nX: y/ü.jpg', content=CONTENT[:100], mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        async with gateway.session.get(f"{PATH}?download=1") as response:
            assert response.headers["Content-Disposition"] == (
                "attachment; filename*=UTF-8''a%20%22b%22%0D%0AX%3A%20y%2F%C3%BC.jpg"
            )
            assert "X" not in response.headers


async def _read(gateway: GatewayClient, **headers: str) -> tuple[int, bytes]:
    async with gateway.session.get(PATH, headers=headers) as response:
        return response.status, await response.read()
