"""An empty catalog of each kind, and the ledger's moves on it; a gateway that wants its token."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.schema import migrate
from imageferry.catalog.session import Catalog
from imageferry.model import JobOptions, Locator
from imageferry.pipeline.submit import submit
from tests.databases import database
from tests.flow import Flow
from tests.moves import STORE, Ledger
from tests.served import Served, anywhere, served

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
        Locator(source="memory", folder_id="root"), catalog=catalog, store_url=STORE, options=JobOptions()
    )
    return Ledger(catalog, job)


@pytest.fixture
async def gateway(flow: Flow) -> AsyncIterator[Served]:
    flow.given["api_token"] = TOKEN
    async with served(anywhere(flow)) as running:
        yield running
