"""Unchanged clients of system B: Node, BullMQ on Redis, PostgreSQL, MinIO, and a React page."""

import asyncio
from datetime import datetime
from pathlib import Path

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import ALL_ROLES, create_album, running_in_place_of
from tests.servers.brokers import cuttable_proxy, open_broker
from tests.servers.databases import database
from tests.servers.s3_servers import BUCKET, KEY, REGION, SECRET, moto


async def test_a_folder_is_queued_stored_in_minio_and_listed(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    root = create_album(tree)
    with database("postgresql", tmp_path) as database_url, open_broker("redis") as broker, moto(tmp_path) as endpoint:
        environment = {
            "DATABASE_URL": database_url.replace("postgresql+psycopg://", "postgresql://"),
            "CELERY_BROKER_URL": broker.url,
            "IMAGEFERRY_QUEUE_PREFIX": broker.prefix,
            "GOOGLE_API_KEY": flow.drive.api_key,
            "S3_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
        }
        async with running_in_place_of(flow, environment, roles=ALL_ROLES) as client:
            accepted = await client.post("/import/google-drive", {"folderUrl": flow.drive.folder_url(root)})
            assert accepted.body["message"] == "Import started"
            assert isinstance(accepted.body["jobId"], str)

            images = await client.images(count=3)

            for image in images:
                assert image["google_drive_id"] in {child.id for child in tree.children(root)}
                assert (image["size"], image["mime_type"]) == (104, "image/jpeg")
                assert image["storage_path"].endswith(f"/{root.id}/{image['google_drive_id']}_{image['name']}")
                assert isinstance(image["id"], int)
                assert datetime.fromisoformat(image["created_at"]).tzinfo is not None


async def test_a_missing_or_invalid_url_is_answered_with_400(flow: ImportFlow) -> None:
    async with running_in_place_of(flow, {}) as client:
        for body in ({}, {"folderUrl": ""}, {"folderUrl": "https://example.com/nothing"}, {"folderUrl": 7}):
            response = await client.post("/import/google-drive", body)
            assert response.status == 400
            assert isinstance(response.body["error"], str)


async def test_an_import_that_cannot_be_queued_is_answered_with_500(
    tree: Tree, flow: ImportFlow, tmp_path: Path
) -> None:
    folder_url = flow.drive.folder_url(create_album(tree))
    with database("postgresql", tmp_path) as database_url:
        async with (
            cuttable_proxy(database_url) as proxy,
            running_in_place_of(flow, {"DATABASE_URL": proxy.url}) as client,
        ):
            outage = asyncio.create_task(proxy.cut(20))
            await asyncio.sleep(0)
            response = await client.post("/import/google-drive", {"folderUrl": folder_url})
            assert response.status == 500
            assert isinstance(response.body["error"], str)
            outage.cancel()


async def test_a_file_is_attempted_three_times(tree: Tree, flow: ImportFlow) -> None:
    root = create_album(tree, files=1)
    flow.drive.faults.add(Fault(kind=ErrorKind.UNAVAILABLE, on=Operation.MEDIA, times=2))
    async with running_in_place_of(flow, {"GOOGLE_API_KEY": flow.drive.api_key}) as client:
        await client.post("/import/google-drive", {"folderUrl": flow.drive.folder_url(root)})
        await client.images(count=1)
    assert flow.drive.requests.count(Operation.MEDIA) == 3
