"""Many clients that are slow or never finish don't keep others from being served."""

import asyncio
from random import Random

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow


async def connect_many(gateway: GatewayClient, request: bytes, *, clients: int = 1000) -> list[asyncio.StreamWriter]:
    """Open `clients` connections that send these bytes and then nothing."""
    writers = []
    for _ in range(clients):
        _, writer = await asyncio.open_connection(*gateway.address, limit=1)
        writer.write(request)
        writers.append(writer)
    return writers


async def assert_responsive(gateway: GatewayClient) -> None:
    for path in ("/health", "/readyz", "/api/jobs"):
        assert await gateway.get(path)


async def test_clients_that_never_finish_their_headers_do_not_block_others(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        writers = await connect_many(gateway, b"GET /health HTTP/1.1\r\nHost: local")
        await assert_responsive(gateway)
        for writer in writers:
            writer.close()


async def test_clients_that_never_finish_their_bodies_do_not_block_others(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        request = b"POST /api/import/google-drive HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
        writers = await connect_many(gateway, request)
        await assert_responsive(gateway)
        for writer in writers:
            writer.close()


async def test_clients_that_never_read_their_responses_do_not_block_others(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Large")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + Random(1).randbytes(20_000_000), mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        writers = await connect_many(
            gateway, b"GET /api/images/1/content HTTP/1.1\r\nHost: localhost\r\n\r\n", clients=200
        )
        await assert_responsive(gateway)
        async with gateway.session.get("/api/images/1/content") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "5")
        for writer in writers:
            writer.close()
        await wait_until_readable(gateway)


async def wait_until_readable(gateway: GatewayClient) -> None:
    """Wait until the gateway has slots for content again; the test's timeout bounds the wait."""
    while True:
        async with gateway.session.get("/api/images/1/content", headers={"Range": "bytes=0-9"}) as response:
            if response.status == 206:
                return
        await asyncio.sleep(0.2)
