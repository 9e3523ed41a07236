"""Unchanged clients of system A: FastAPI, Celery, RabbitMQ, MySQL, and public folders without a Google API key."""

from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import ALL_ROLES, create_album, running_in_place_of
from tests.servers.brokers import open_broker
from tests.servers.databases import database


async def test_a_public_folder_is_imported_as_a_task_and_listed(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    root = create_album(tree)
    with database("mysql", tmp_path) as database_url, open_broker("rabbitmq") as broker:
        environment = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker.url,
            "IMAGEFERRY_QUEUE_PREFIX": broker.prefix,
        }
        async with running_in_place_of(flow, environment, roles=ALL_ROLES) as client:
            accepted = await client.post("/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert accepted.status == 202
            assert isinstance(accepted.body["task_id"], str)

            images = await client.images(count=3)

            assert {image["name"] for image in images} == {"0.jpg", "1.jpg", "2.jpg"}
            assert {image["size"] for image in images} == {104}
            assert len(list((flow.home / "store").rglob("*.jpg"))) == 3
