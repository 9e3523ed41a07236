"""Unchanged clients of system E: like D on Azure, with a status, deletion, and a health check of every service."""

import asyncio
from typing import Any

import aiohttp

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import POLL_INTERVAL_S, LegacyClient, create_album, running_in_place_of
from tests.servers.azurite import CONTAINER, azurite
from tests.servers.brokers import open_broker
from tests.servers.ports import free_port

SERVICES = {"crawl": "crawler", "transfer": "uploader", "record": "metadata-service"}


async def test_a_folder_is_imported_into_a_container_monitored_and_deleted(tree: Tree, flow: ImportFlow) -> None:
    root = create_album(tree, files=250)
    with azurite() as connection_string:
        environment = {
            "GOOGLE_API_KEY": flow.drive.api_key,
            "STORAGE_PROVIDER": "azure",
            "AZURE_STORAGE_CONNECTION_STRING": connection_string,
            "AZURE_STORAGE_CONTAINER_NAME": CONTAINER,
        }
        async with running_in_place_of(flow, environment) as client:
            accepted = await client.post("/api/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            status = await wait_until_finished(client, accepted.body["job_id"])
            assert {name: status[name] for name in ("status", "total", "processed", "failed")} == {
                "status": "completed",
                "total": 250,
                "processed": 250,
                "failed": 0,
            }
            assert len(status["imported"]) == 100  # the latest 100; /api/images has all of them

            image = status["imported"][0]
            assert f"/{CONTAINER}/" in image["storage_path"]
            assert (await client.delete(f"/api/images/{image['id']}")).status == 204
            assert (await client.get(f"/api/images/{image['id']}")).status == 404
            assert (await client.delete(f"/api/images/{image['id']}")).status == 204
            assert len((await client.get("/api/images/all")).body) == 249


async def test_every_service_has_a_health_check(flow: ImportFlow) -> None:
    ports = {role: free_port() for role in SERVICES}
    with open_broker("redis") as broker:
        environment = {"CELERY_BROKER_URL": broker.url, "IMAGEFERRY_QUEUE_PREFIX": broker.prefix}
        for role, service in SERVICES.items():
            health_port = {"IMAGEFERRY_HEALTH_PORT": str(ports[role])}
            async with running_in_place_of(flow, environment | health_port, roles=(role,)) as client:
                assert (await client.get("/health")).body == {"status": "healthy", "service": "api-gateway"}
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"http://127.0.0.1:{ports[role]}/health") as response,
                ):
                    assert await response.json() == {"status": "healthy", "service": service}


async def wait_until_finished(client: LegacyClient, job_id: str) -> dict[str, Any]:
    while True:
        status: dict[str, Any] = (await client.get(f"/api/import/status/{job_id}")).body
        if status["status"] in {"completed", "failed"}:
            return status
        await asyncio.sleep(POLL_INTERVAL_S)
