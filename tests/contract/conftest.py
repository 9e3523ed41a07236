"""An empty catalog of each kind, and the ledger's moves on it; a gateway that wants its token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.model import FolderRef, JobOptions
from imageferry.pipeline.submit import submit
from tests.drivers.gateway_process import Served, anywhere, served
from tests.drivers.import_fixtures import drive, flow, tree
from tests.drivers.import_flow import Flow
from tests.drivers.ledger_driver import STORE, Ledger
from tests.servers.databases import database

__all__ = ["drive", "flow", "tree"]  # fixtures for all tests below

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    """An empty catalog, of each kind in turn."""
    with database(request.param, tmp_path) as url:
        opened = Catalog(url, patience_s=5)
        await migrate(opened)
        yield opened
        await opened.close()


@pytest.fixture
async def moves(catalog: Catalog) -> Ledger:
    job, _ = await submit(
        FolderRef(source="memory", folder_id="root"), catalog=catalog, store_url=STORE, options=JobOptions()
    )
    return Ledger(catalog, job)


@pytest.fixture
async def gateway(flow: Flow) -> AsyncIterator[Served]:
    flow.given["api_token"] = TOKEN
    async with served(anywhere(flow)) as running:
        yield running
