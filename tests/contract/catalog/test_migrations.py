"""Migrations on every database: killed, concurrent, slow and unknown ones."""

import asyncio
import re
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.database.migrate import migrate
from imageferry.catalog.database.tables import metadata
from imageferry.catalog.images import records
from imageferry.errors import FatalError, Reason


async def test_the_migrations_create_the_tables_of_the_metadata(catalog: Catalog) -> None:
    differences = await catalog.read(lambda tx: compare_metadata(MigrationContext.configure(tx), metadata))
    # MariaDB stores JSON as text and reports it as text.
    kinds = {difference[0][0] if isinstance(difference, list) else difference[0] for difference in differences}
    assert kinds <= ({"modify_type"} if catalog.engine.dialect.name in {"mysql", "mariadb"} else set())


async def test_a_new_sqlite_file_has_the_schema_that_the_migrations_create(tmp_path: Path) -> None:
    def add_other_table(tx: Tx) -> None:
        tx.execute(text("CREATE TABLE other (id INTEGER)"))

    def schema(tx: Tx) -> dict[str, list[str]]:
        rows = tx.execute(text("SELECT name, sql FROM sqlite_master WHERE name != 'other'"))
        # The order of columns and keys may differ.
        return {row.name: sorted(re.split(r",\s+", (row.sql or "").rstrip(") \n"))) for row in rows}

    schemas = []
    for name, prepare in (("new", None), ("migrated", add_other_table)):
        opened = Catalog(f"sqlite:///{tmp_path / name}")
        if prepare is not None:
            await opened.write(prepare)
        assert await migrate(opened)
        assert not await migrate(opened)
        schemas.append(await opened.read(schema))
        await opened.close()
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize("revision", ["9999", "0003"])
async def test_a_schema_of_a_newer_version_or_a_pre_release_is_refused(catalog: Catalog, revision: str) -> None:
    def write_revision(tx: Tx) -> None:
        tx.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})

    await catalog.write(write_revision)
    with pytest.raises(FatalError, match=f"has schema {revision}, which this imageferry does not know") as refused:
        await migrate(catalog)
    assert refused.value.reason is Reason.CATALOG_NEWER


async def test_a_killed_migration_is_completed_by_the_next_one(catalog: Catalog) -> None:
    def undo_half(tx: Tx) -> None:
        tx.execute(text("DELETE FROM alembic_version"))
        tx.execute(text("DROP TABLE images"))
        for index in metadata.tables["jobs"].indexes:
            index.drop(tx)

    await catalog.write(undo_half)
    assert await migrate(catalog)
    assert not await migrate(catalog)
    assert await catalog.read(records.count) == 0


async def test_a_migration_that_commits_slowly_is_not_run_twice_at_once(catalog: Catalog) -> None:
    def delete_revision(tx: Tx) -> None:
        tx.execute(text("DELETE FROM alembic_version"))

    def commit_slowly(_: Connection) -> None:
        time.sleep(0.5)

    await catalog.write(delete_revision)
    second = Catalog(catalog.url.render_as_string(hide_password=False))
    for each in (catalog, second):
        event.listen(each.engine, "commit", commit_slowly)
    ran = await asyncio.gather(migrate(catalog), migrate(second))
    assert any(ran)
    assert not await migrate(second)
    await second.close()


async def test_a_process_stops_waiting_for_another_process_that_migrates_too_long(catalog: Catalog) -> None:
    if catalog.url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has one writer at a time.")

    def delete_revision(tx: Tx) -> None:
        tx.execute(text("DELETE FROM alembic_version"))

    def migrate_slowly(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("INSERT INTO alembic_version"):
            started.set()
            may_finish.wait(timeout=30)

    started, may_finish = threading.Event(), threading.Event()
    await catalog.write(delete_revision)
    second = Catalog(catalog.url.render_as_string(hide_password=False))
    event.listen(catalog.engine, "before_cursor_execute", migrate_slowly)
    migrating = asyncio.create_task(migrate(catalog))
    assert await asyncio.to_thread(started.wait, 30)
    with pytest.raises(FatalError, match="Another process has been migrating it for 1 seconds"):
        await migrate(second, lock_wait_s=1)
    may_finish.set()
    assert await migrating
    assert not await migrate(second)
    await second.close()
