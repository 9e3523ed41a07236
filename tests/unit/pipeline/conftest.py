"""A catalog in a file, and the ledger's moves on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.migrate import migrate
from imageferry.model import FolderRef, JobOptions
from imageferry.pipeline.submit import submit
from tests.drivers.ledger_driver import STORE, Ledger


@pytest.fixture
async def moves(tmp_path: Path) -> AsyncIterator[Ledger]:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(catalog)
    locator = FolderRef(source="memory", folder_id="root")
    job, _ = await submit(locator, catalog=catalog, store_url=STORE, options=JobOptions())
    yield Ledger(catalog, job)
    await catalog.close()
