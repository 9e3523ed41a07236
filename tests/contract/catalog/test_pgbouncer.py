"""A catalog behind PgBouncer in transaction mode: nothing that belongs to a session is relied on, or left in one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import create_album
from tests.drivers.processes import command, environment_of
from tests.servers.databases import database
from tests.servers.pgbouncer import pgbouncer


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database behind PgBouncer."""
    with database("postgresql", tmp_path) as direct, pgbouncer(direct, tmp_path) as url:
        yield url


async def test_two_processes_migrate_at_once_and_repeat_statements_in_any_session(url: str) -> None:
    catalogs = [Catalog(url, retry_timeout_s=0) for _ in range(2)]
    try:
        assert any(await asyncio.gather(*map(migrate, catalogs)))

        def count(tx: Tx) -> int:
            return int(
                tx.execute(text("SELECT count(*) FROM jobs WHERE state = :state"), {"state": "any"}).scalar_one()
            )

        counts = await asyncio.gather(*(catalog.read(count) for _ in range(50) for catalog in catalogs))
        assert set(counts) == {0}
    finally:
        for catalog in catalogs:
            await catalog.close()


async def test_no_setting_of_a_transaction_stays_in_its_session(url: str) -> None:
    catalog = Catalog(url, idle_transaction_timeout_s=7)
    show = text("SHOW idle_in_transaction_session_timeout")
    try:
        assert await catalog.read(lambda tx: tx.execute(show).scalar_one()) == "7s"
    finally:
        await catalog.close()
    engine = create_engine(url)
    with engine.connect() as other_client:
        assert other_client.execute(show).scalar_one() == "0"
    engine.dispose()


async def test_a_folder_is_imported(url: str, flow: ImportFlow, tree: Tree) -> None:
    root = create_album(tree, files=150)
    environment = environment_of(flow) | {"DATABASE_URL": url}
    async with command(flow, "import", flow.drive.folder_url(root), environment=environment) as running:
        result = await running.wait()
    assert result.code == 0, result.stderr
    assert "150 files stored and verified" in result.stderr
