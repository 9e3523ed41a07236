"""The server: starting, failing to start, describing itself and stopping."""

import asyncio
import socket
import sqlite3
from contextlib import closing

import pytest

from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, FatalError, Reason
from imageferry.gateway.server import serve
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.metric_values import parse_metrics


async def test_a_port_in_use_is_reported_in_one_sentence(flow: ImportFlow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used_port:
        flow.setting_overrides["port"] = used_port.getsockname()[1]
        with pytest.raises(FatalError, match="is already in use") as refused:
            await serve(flow.settings)
    assert refused.value.reason is Reason.MISCONFIGURED


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "gateway.example", "::"])  # noqa: S104 - refused here
async def test_the_server_does_not_listen_on_the_network_without_a_token(flow: ImportFlow, host: str) -> None:
    flow.setting_overrides["host"] = host
    with pytest.raises(FatalError, match="Set IMAGEFERRY_API_TOKEN"):
        await serve(flow.settings)


async def test_a_catalog_of_a_newer_version_is_reported_in_one_sentence(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)):
        pass
    with closing(sqlite3.connect(flow.home / "catalog.db")) as catalog, catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FatalError, match="Upgrade imageferry") as refused:
        await serve(flow.settings)
    assert refused.value.reason is Reason.CATALOG_NEWER


async def test_a_store_that_cannot_be_opened_is_reported_in_one_sentence(flow: ImportFlow) -> None:
    flow.setting_overrides["store_url"] = "/dev/null/store"
    with pytest.raises((FatalError, BlockedError)):
        await serve(on_free_port(flow))


async def test_every_health_check_answers(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        for path in ("/health", "/api/health", "/healthz", "/readyz"):
            assert await gateway.get(path) == {"status": "healthy", "service": "api-gateway"}


async def test_prometheus_metrics_count_transferred_files_and_bytes(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Holiday")
    tree.file(root, "a.jpg", content=b"picture")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        async with gateway.session.get("/metrics") as response:
            assert response.content_type == "text/plain"
            values = parse_metrics(await response.text())
    assert values["files_total", "stored", ""] == 1
    assert values["transferred_bytes_total",] == len(b"picture")
    assert not {name for name in values if name[0] == "pending_work_items"}


async def test_the_openapi_document_is_served(flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        document = await gateway.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert {"/images", "/import/google-drive", "/api/images/{image_id}/content"} <= document["paths"].keys()
    operation = document["paths"]["/api/import/google-drive"]["post"]
    assert {"202", "400", "413", "503"} <= operation["responses"].keys()
    assert operation["responses"]["400"]["$ref"].startswith("#/components/responses/")


async def test_a_signal_stops_the_server_although_a_client_never_disconnects(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Large")
    tree.file(root, "a.jpg", content=b"\xff\xd8\xff" + bytes(20_000_000), mime_type="image/jpeg")
    async with running_gateway(on_free_port(flow)) as gateway:
        await gateway.import_folder(flow.drive.folder_url(root))
        _, writer = await asyncio.open_connection(*gateway.address, limit=1)
        writer.write(b"GET /api/images/1/content HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
    writer.close()
