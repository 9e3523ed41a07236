"""Gateway, worker and doctor use the Redis that the settings name, whatever else the environment tells Celery."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import ALL_ROLES, create_album, running_in_place_of
from tests.drivers.processes import command, environment_of
from tests.servers.private_brokers import private_broker

# Celery reads these itself, and prefers them to what it is given.
ELSEWHERE = {
    "CELERY_BROKER_READ_URL": "redis://127.0.0.1:9/0",
    "CELERY_BROKER_WRITE_URL": "redis://127.0.0.1:9/0",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:9/0",
    "CELERY_CONFIG_MODULE": "config_of_another_system",
    "CELERY_LOADER": "loader_of_another_system:Loader",
}


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis on a port of its own."""
    with private_broker("redis", tmp_path / "redis") as server:
        yield server.url


def variables(url: str, *, by: str) -> dict[str, str]:
    parts = urlsplit(url)
    named = {"REDIS_URL": url} if by == "url" else {"REDIS_HOST": str(parts.hostname), "REDIS_PORT": str(parts.port)}
    return {**named, "CELERY_BROKER_URL": "redis://"}


@pytest.mark.parametrize("by", ["url", "host and port"])
async def test_gateway_and_worker_meet_in_that_redis(tree: Tree, flow: ImportFlow, redis_url: str, by: str) -> None:
    root = create_album(tree)
    environment = {"GOOGLE_API_KEY": flow.drive.api_key, **variables(redis_url, by=by), **ELSEWHERE}
    async with running_in_place_of(flow, environment, roles=ALL_ROLES) as client:
        await client.post("/api/import/google-drive", {"folder_url": flow.drive.folder_url(root)})
        assert len(await client.images("/api/images/all", count=3)) == 3


@pytest.mark.parametrize("by", ["url", "host and port"])
async def test_doctor_checks_that_redis(flow: ImportFlow, redis_url: str, by: str) -> None:
    environment = environment_of(flow) | variables(redis_url, by=by) | ELSEWHERE
    async with command(flow, "doctor", environment=environment) as running:
        result = await running.wait()
    assert f"✓ broker   redis://:**@127.0.0.1:{urlsplit(redis_url).port}/0" in result.stderr


async def test_doctor_finds_that_it_is_full(flow: ImportFlow, redis_url: str) -> None:
    with Redis.from_url(redis_url) as server:
        server.config_set("maxmemory", "1")  # bytes
    async with command(flow, "doctor", environment=environment_of(flow) | {"CELERY_BROKER_URL": redis_url}) as running:
        result = await running.wait()
    assert result.code == 7
    assert "is full. Raise the maxmemory of its Redis" in result.stderr
