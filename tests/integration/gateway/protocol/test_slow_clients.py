"""Clients that are slow, or never done, however many, keep nobody else from an answer."""

import asyncio
import time
from random import Random

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_flow import Flow

ANSWER_WITHIN_S = 15


async def crowd(gateway: Served, words: bytes, *, clients: int = 1000) -> list[asyncio.StreamWriter]:
    """So many clients that say these words, and then nothing."""
    writers = []
    for _ in range(clients):
        _, writer = await asyncio.open_connection(*gateway.address, limit=1)
        writer.write(words)
        writers.append(writer)
    return writers


async def answers_soon(gateway: Served) -> None:
    for path in ("/health", "/readyz", "/api/jobs"):
        began_s = time.monotonic()
        assert await gateway.get(path)
        assert time.monotonic() - began_s < ANSWER_WITHIN_S


async def test_clients_that_never_end_their_headers(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        writers = await crowd(gateway, b"GET /health HTTP/1.1\r\nHost: local")
        await answers_soon(gateway)
        for writer in writers:
            writer.close()


async def test_clients_that_never_end_their_bodies(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        words = b"POST /api/import/google-drive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
        writers = await crowd(gateway, words)
        await answers_soon(gateway)
        for writer in writers:
            writer.close()


async def test_clients_that_never_read_their_pictures(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Large")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + Random(1).randbytes(20_000_000), mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        writers = await crowd(gateway, b"GET /api/images/1/content HTTP/1.1\r\nHost: localhost\r\n\r\n", clients=200)
        await answers_soon(gateway)
        async with gateway.session.get("/api/images/1/content") as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "busy")
        for writer in writers:
            writer.close()
        assert await is_read_again(gateway)


async def is_read_again(gateway: Served) -> bool:
    for _ in range(100):
        async with gateway.session.get("/api/images/1/content", headers={"Range": "bytes=0-9"}) as answer:
            if answer.status == 206:
                return True
        await asyncio.sleep(0.2)
    return False
