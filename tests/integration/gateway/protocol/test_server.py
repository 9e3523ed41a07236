"""Serving: how the gateway starts, refuses to start, shows itself and stops."""

import asyncio
import socket
import sqlite3
import time
from contextlib import closing

import pytest

from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, FatalError, Reason
from imageferry.gateway.server import serve
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.metric_values import readings


async def test_a_port_that_is_taken_is_told_in_a_sentence(flow: Flow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flow.given["port"] = taken.getsockname()[1]
        with pytest.raises(FatalError, match="is taken by another program: set PORT to another") as refused:
            await serve(flow.settings)
    assert refused.value.reason is Reason.MISCONFIGURED


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "gateway.example", "::"])  # noqa: S104 - refused is the point
async def test_it_does_not_open_itself_to_the_network(flow: Flow, host: str) -> None:
    flow.given["host"] = host
    with pytest.raises(FatalError, match="set IMAGEFERRY_API_TOKEN"):
        await serve(flow.settings)


async def test_a_catalog_of_a_newer_version_is_told_in_a_sentence(flow: Flow) -> None:
    async with served(anywhere(flow)):
        pass
    with closing(sqlite3.connect(flow.home / "catalog.db")) as catalog, catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FatalError, match="upgrade imageferry") as refused:
        await serve(flow.settings)
    assert refused.value.reason is Reason.CATALOG_NEWER


async def test_a_store_that_cannot_be_had_is_told_in_a_sentence(flow: Flow) -> None:
    flow.given["store_url"] = "/dev/null/store"
    with pytest.raises((FatalError, BlockedError)):
        await serve(anywhere(flow))


async def test_every_role_of_health_answers(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        for path in ("/health", "/api/health", "/healthz", "/readyz"):
            assert await gateway.get(path) == {"status": "healthy", "service": "api-gateway"}


async def test_it_tells_what_it_moved_to_prometheus(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=b"picture")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        async with gateway.session.get("/metrics") as answer:
            assert answer.content_type == "text/plain"
            told = readings(await answer.text())
    assert told["files_total", "stored", ""] == 1
    assert told["moved_bytes_total",] == len(b"picture")
    assert not {name for name in told if name[0] == "backlog"}


async def test_the_interface_describes_itself(flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        document = await gateway.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert {"/images", "/import/google-drive", "/api/images/{image_id}/content"} <= document["paths"].keys()
    operation = document["paths"]["/api/import/google-drive"]["post"]
    assert {"202", "400", "413", "503"} <= operation["responses"].keys()
    assert operation["responses"]["400"]["$ref"].startswith("#/components/responses/")


async def test_a_signal_ends_it_within_seconds_although_a_client_never_goes(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Large")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + bytes(20_000_000), mime_type="image/jpeg")
    async with served(anywhere(flow)) as gateway:
        await gateway.run(flow.drive.folder_url(root))
        _, writer = await asyncio.open_connection(*gateway.address, limit=1)
        writer.write(b"GET /api/images/1/content HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 30
    writer.close()
