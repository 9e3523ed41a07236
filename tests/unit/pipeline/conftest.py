"""Fixtures: an SQLite catalog, and the ledger of a new job in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.model import FolderRef, JobOptions
from imageferry.pipeline.submit import submit
from tests.drivers.ledger_driver import STORE, LedgerDriver


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def ledger(catalog: Catalog) -> LedgerDriver:
    folder_ref = FolderRef(source="memory", folder_id="root")
    job, _ = await submit(folder_ref, catalog=catalog, store_url=STORE, options=JobOptions())
    return LedgerDriver(catalog, job)
