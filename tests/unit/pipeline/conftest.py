"""Fixtures: the ledger of a new job, in an SQLite catalog."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.model import FolderRef, JobOptions
from imageferry.pipeline.submit import submit
from tests.drivers.ledger_driver import STORE, LedgerDriver


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[LedgerDriver]:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(catalog)
    folder_ref = FolderRef(source="memory", folder_id="root")
    job, _ = await submit(folder_ref, catalog=catalog, store_url=STORE, options=JobOptions())
    yield LedgerDriver(catalog, job)
    await catalog.close()
