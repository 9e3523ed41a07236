"""Fixtures of the integration tests: a group of workers, and a store of each kind."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.import_fixtures import drive, flow, tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.workers import WorkerGroup, open_worker_group
from tests.servers import s3_servers
from tests.servers.azurite import CONTAINER, azurite
from tests.servers.brokers import BROKER_KINDS
from tests.servers.s3_servers import Bucket

__all__ = ["drive", "flow", "tree"]  # fixtures of all integration tests


@pytest.fixture(params=BROKER_KINDS)
async def workers(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[WorkerGroup]:
    """An empty group of workers over one kind of broker."""
    async with open_worker_group(request.param, flow, folder=tmp_path) as group:
        yield group


@pytest.fixture(params=["file", "moto", "rclone", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings that select a store of each kind in turn."""
    folder = tmp_path / "server"
    folder.mkdir()
    match request.param:
        case "file":
            yield {}
        case "azurite":
            with azurite() as connection:
                yield {
                    "store_url": f"az://{CONTAINER}/some-prefix",
                    "azure_storage_connection_string": connection,
                }
        case server:
            with getattr(s3_servers, server)(folder) as endpoint:
                yield Bucket(endpoint=endpoint, prefix="some-prefix").settings
