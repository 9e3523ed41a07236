"""A catalog in a file, and the ledger's moves on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.catalog.schema import migrate
from imageferry.catalog.session import Catalog
from imageferry.model import JobOptions, Locator
from imageferry.pipeline.submit import submit
from tests.moves import STORE, Ledger


@pytest.fixture
async def moves(tmp_path: Path) -> AsyncIterator[Ledger]:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    await migrate(catalog)
    locator = Locator(source="memory", folder_id="root")
    job, _ = await submit(locator, catalog=catalog, store_url=STORE, options=JobOptions())
    yield Ledger(catalog, job)
    await catalog.close()
