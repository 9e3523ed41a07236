"""Unchanged clients of system D: a Flask gateway under /api, Redis, MySQL or SQLite configured by DB_* settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import ALL_ROLES, create_album, running_in_place_of
from tests.servers.brokers import open_broker
from tests.servers.databases import database

SITE, OTHER_SITE = "https://gallery.example", "http://localhost:3000"


@contextmanager
def database_environment(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """Yield this system's environment variables for a database."""
    with database(kind, folder) as text:
        url = make_url(text)
        values = {
            "DB_ENGINE": kind,
            "DB_SERVER": url.host,
            "DB_PORT": url.port,
            "DB_NAME": url.database,
            "DB_USER": url.username,
            "DB_PASSWORD": url.password,
        }
        yield {name: str(value) for name, value in values.items() if value}


@pytest.mark.parametrize("kind", ["mysql", "sqlite"])
async def test_a_folder_is_imported_and_listed_by_page(kind: str, tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    root = create_album(tree, files=60)
    with database_environment(kind, tmp_path) as database_variables, open_broker("redis") as broker:
        environment = database_variables | {
            "GOOGLE_API_KEY": flow.drive.api_key,
            "CORS_ORIGINS": f"{OTHER_SITE},{SITE}",
            "CELERY_BROKER_URL": broker.url,
            "IMAGEFERRY_QUEUE_PREFIX": broker.prefix,
        }
        async with running_in_place_of(flow, environment, roles=ALL_ROLES) as client:
            assert (await client.get("/health")).body == {"status": "healthy", "service": "api-gateway"}
            accepted = await client.post("/api/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert accepted.status == 202
            all_images = await client.images("/api/images/all", count=60)

            first = (await client.get("/api/images?page=1&per_page=50")).body
            second = (await client.get("/api/images?page=2&per_page=50")).body
            assert (len(first["items"]), len(second["items"])) == (50, 10)
            assert (first["total"], first["pages"], first["page"], first["per_page"]) == (60, 2, 1, 50)
            assert {image["id"] for image in first["items"] + second["items"]} == {image["id"] for image in all_images}

            one = all_images[0]
            assert (await client.get(f"/api/images/{one['id']}")).body["google_drive_id"] == one["google_drive_id"]
            stats = (await client.get("/api/stats")).body
            assert stats["images"] == {"count": 60, "bytes": 60 * 104}


async def test_errors_have_a_message_and_only_listed_origins_are_allowed(flow: ImportFlow) -> None:
    async with running_in_place_of(flow, {"CORS_ORIGINS": f"{OTHER_SITE}, {SITE}"}) as client:
        for response, status in (
            (await client.get("/api/images/999999"), 404),
            (await client.post("/api/import/google-drive", {}), 400),
            (await client.get("/api/images?page=0"), 400),
        ):
            assert response.status == status
            assert isinstance(response.body["error"], str)
        for origin, allowed in (
            (SITE, SITE),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://other", None),
        ):
            response = await client.get("/api/images", headers={"Origin": origin})
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
