"""Fixtures of the contract tests: an empty catalog on each database, its ledger, and a gateway with an API token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.model import FolderRef, JobOptions
from imageferry.pipeline.submit import submit
from tests.drivers.gateway_process import GatewayClient, on_free_port, running_gateway
from tests.drivers.import_fixtures import drive, flow, tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.ledger_driver import STORE, LedgerDriver
from tests.servers.databases import database

__all__ = ["drive", "flow", "tree"]  # fixtures of all contract tests

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    """An empty catalog, on each database in turn."""
    with database(request.param, tmp_path) as url:
        opened = Catalog(url, retry_timeout_s=5)
        await migrate(opened)
        yield opened
        await opened.close()


@pytest.fixture
async def ledger(catalog: Catalog) -> LedgerDriver:
    """Drive the ledger of a new job whose root is ready to be listed."""
    job, _ = await submit(
        FolderRef(source="memory", folder_id="root"), catalog=catalog, store_url=STORE, options=JobOptions()
    )
    return LedgerDriver(catalog, job)


@pytest.fixture
async def gateway(flow: ImportFlow) -> AsyncIterator[GatewayClient]:
    """Run a gateway that requires the API token TOKEN."""
    flow.setting_overrides["api_token"] = TOKEN
    async with running_gateway(on_free_port(flow)) as running:
        yield running
