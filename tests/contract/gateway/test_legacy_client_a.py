"""System A's clients, unchanged: FastAPI, Celery, RabbitMQ, MySQL, and public folders without a Google key."""

from pathlib import Path

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.legacy_clients import ALL_ROLES, album, in_the_place_of
from tests.servers.brokers import broker
from tests.servers.databases import database


async def test_a_public_folder_is_imported_by_task_and_listed(tree: Tree, flow: Flow, tmp_path: Path) -> None:
    root = album(tree)
    with database("mysql", tmp_path) as database_url, broker("rabbitmq") as queues:
        environment = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": queues.url,
            "IMAGEFERRY_QUEUE_PREFIX": queues.prefix,
        }
        async with in_the_place_of(flow, environment, roles=ALL_ROLES) as client:
            begun = await client.post("/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert begun.status == 202
            assert isinstance(begun.body["task_id"], str)

            images = await client.images(count=3)

            assert {image["name"] for image in images} == {"0.jpg", "1.jpg", "2.jpg"}
            assert {image["size"] for image in images} == {104}
            assert len(list((flow.home / "store").rglob("*.jpg"))) == 3
