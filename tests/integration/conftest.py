"""What the integration tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.import_fixtures import drive, flow, tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.workers import WorkerGroup, open_worker_group
from tests.servers import s3_servers
from tests.servers.azurite import CONTAINER, azurite
from tests.servers.brokers import KINDS_OF_BROKERS
from tests.servers.s3_servers import Bucket

__all__ = ["drive", "flow", "tree"]  # fixtures for all tests below


@pytest.fixture(params=KINDS_OF_BROKERS)
async def crew(request: pytest.FixtureRequest, flow: ImportFlow, tmp_path: Path) -> AsyncIterator[WorkerGroup]:
    """A crew over one kind of broker, of nobody yet."""
    async with open_worker_group(request.param, flow, folder=tmp_path) as nobody:
        yield nobody


@pytest.fixture(params=["file", "moto", "rclone", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings that lead to a store of each kind."""
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
