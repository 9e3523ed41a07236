"""System C's clients, unchanged: a crawler, an uploader and a metadata service, each a process of its own on queues."""

from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.legacy_clients import album, in_the_place_of
from tests.servers.brokers import broker
from tests.servers.databases import database

SERVICES = ("crawl", "transfer", "record")


async def test_three_services_on_queues_import_a_folder(tree: Tree, flow: Flow, tmp_path: Path) -> None:
    root = album(tree, files=150)
    with database("postgresql", tmp_path) as database_url, broker("rabbitmq") as queues:
        environment = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": queues.url,
            "IMAGEFERRY_QUEUE_PREFIX": queues.prefix,
            "GOOGLE_API_KEY": flow.drive.api_key,
        }
        async with in_the_place_of(flow, environment, roles=SERVICES) as client:
            begun = await client.post("/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert (begun.body["status"], begun.body["message"]) == ("accepted", "Folder import started")
            assert len(await client.images(count=150)) == 150
