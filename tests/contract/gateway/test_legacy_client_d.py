"""System D's clients, unchanged: a Flask gateway under /api, services on Redis, MySQL or SQLite by its parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow
from tests.drivers.legacy_clients import ALL_ROLES, album, in_the_place_of
from tests.servers.brokers import broker
from tests.servers.databases import database

PAGE, OTHER_PAGE = "https://gallery.example", "http://localhost:3000"


@contextmanager
def parts(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """A database as this system's environment tells it."""
    with database(kind, folder) as text:
        url = make_url(text)
        told = {
            "DB_ENGINE": kind,
            "DB_SERVER": url.host,
            "DB_PORT": url.port,
            "DB_NAME": url.database,
            "DB_USER": url.username,
            "DB_PASSWORD": url.password,
        }
        yield {name: str(value) for name, value in told.items() if value}


@pytest.mark.parametrize("kind", ["mysql", "sqlite"])
async def test_a_folder_is_imported_and_paged_through(kind: str, tree: Tree, flow: Flow, tmp_path: Path) -> None:
    root = album(tree, files=60)
    with parts(kind, tmp_path) as database_parts, broker("redis") as queues:
        environment = database_parts | {
            "GOOGLE_API_KEY": flow.drive.api_key,
            "CORS_ORIGINS": f"{OTHER_PAGE},{PAGE}",
            "CELERY_BROKER_URL": queues.url,
            "IMAGEFERRY_QUEUE_PREFIX": queues.prefix,
        }
        async with in_the_place_of(flow, environment, roles=ALL_ROLES) as client:
            assert (await client.get("/health")).body == {"status": "healthy", "service": "api-gateway"}
            begun = await client.post("/api/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
            assert begun.status == 202
            everything = await client.images("/api/images/all", count=60)

            first = (await client.get("/api/images?page=1&per_page=50")).body
            second = (await client.get("/api/images?page=2&per_page=50")).body
            assert (len(first["items"]), len(second["items"])) == (50, 10)
            assert (first["total"], first["pages"], first["page"], first["per_page"]) == (60, 2, 1, 50)
            assert {image["id"] for image in first["items"] + second["items"]} == {image["id"] for image in everything}

            one = everything[0]
            assert (await client.get(f"/api/images/{one['id']}")).body["google_drive_id"] == one["google_drive_id"]
            stats = (await client.get("/api/stats")).body
            assert stats["images"] == {"count": 60, "bytes": 60 * 104}


async def test_an_error_says_what_is_wrong_and_named_pages_may_call(flow: Flow) -> None:
    async with in_the_place_of(flow, {"CORS_ORIGINS": f"{OTHER_PAGE}, {PAGE}"}) as client:
        for answer, status in (
            (await client.get("/api/images/999999"), 404),
            (await client.post("/api/import/google-drive", {}), 400),
            (await client.get("/api/images?page=0"), 400),
        ):
            assert answer.status == status
            assert isinstance(answer.body["error"], str)
        for origin, allowed in (
            (PAGE, PAGE),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://other", None),
        ):
            answer = await client.get("/api/images", headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
