"""Unchanged clients of system C: a crawler, an uploader and a metadata service as separate processes on queues."""

from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import create_album, running_in_place_of
from tests.servers.brokers import open_broker
from tests.servers.databases import database

SERVICES = ("crawl", "transfer", "record")


async def test_three_services_on_queues_import_a_folder(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    root = create_album(tree, files=150)
    with database("postgresql", tmp_path) as database_url, open_broker("rabbitmq") as broker:
        environment = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker.url,
            "IMAGEFERRY_QUEUE_PREFIX": broker.prefix,
            "GOOGLE_API_KEY": flow.drive.api_key,
        }
        async with running_in_place_of(flow, environment, roles=SERVICES) as client:
            accepted = await client.post("/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert (accepted.body["status"], accepted.body["message"]) == ("accepted", "Folder import started")
            assert len(await client.images(count=150)) == 150
