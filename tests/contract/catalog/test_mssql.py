"""SQL Server: every statement compiles for it. The tests have no server, so nothing is executed there."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Boolean, Column, Engine, Select, event, select
from sqlalchemy.dialects.mssql.mssqlpython import MSDialect_mssqlpython
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ClauseElement

from imageferry.catalog.database.date_of import date_of
from imageferry.catalog.database.tables import images, metadata
from imageferry.catalog.images import counters, records
from imageferry.catalog.jobs import jobs
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

# Statements that are built for the database in use; other tests below check how they are built for SQL Server.
DIALECT_SPECIFIC = re.compile(r"ON CONFLICT|PRAGMA")
FUNCTIONS = {"count", "coalesce", "sum", "max", "min", "floor", "cast", "over", "nullif", "avg"}
PATHS = (
    "/api/jobs",
    "/api/jobs?state=completed",
    "/api/images?page=1&per_page=2",
    "/api/images?limit=2",
    "/api/images?q=a&mime_type=image/jpeg&sort=-size",
    "/api/images?sort=name&has_location=false",
    "/api/images/timeline",
    "/api/images/facets",
    "/api/images/all",
    "/api/images/1",
    "/api/stats",
    "/images",
)


@pytest.fixture
def executed() -> Iterator[list[ClauseElement]]:
    """Every statement that the test executes on any database."""
    statements: list[ClauseElement] = []

    def record(_connection: object, statement: Executable, *_: object) -> None:
        assert isinstance(statement, ClauseElement)
        statements.append(statement)

    event.listen(Engine, "before_execute", record)
    yield statements
    event.remove(Engine, "before_execute", record)


def compile_for_mssql(statement: ClauseElement) -> str:
    dialect = MSDialect_mssqlpython()  # type: ignore[no-untyped-call] # untyped in SQLAlchemy
    return str(statement.compile(dialect=dialect))


async def test_statements_of_an_import_and_the_api_compile(
    tree: Tree, flow: ImportFlow, executed: list[ClauseElement]
) -> None:
    root = tree.folder("Holiday")
    for folder in ("Beach", "Town"):
        tree.numbered_files(tree.folder(folder, parent=root), 5, size_bytes=100)
    async with running_gateway(on_free_port(flow)) as gateway:
        job = await gateway.import_folder(flow.drive.folder_url(root))
        await gateway.import_folder(flow.drive.folder_url(root))
        for action in ("retry", "cancel"):
            await gateway.session.post(f"/api/jobs/{job['job_id']}/{action}")
        for path in (*PATHS, f"/api/jobs/{job['job_id']}", f"/api/jobs/{job['job_id']}/items"):
            await gateway.get(path)
        first_page = await gateway.get("/api/images?has_location=false&sort=-size&limit=2")
        await gateway.get(first_page["next"])

    statements = [statement for statement in executed if not DIALECT_SPECIFIC.search(str(statement))]
    selects = [statement for statement in statements if isinstance(statement, Select)]
    # SQL Server has no boolean expressions: a comparison can't be selected.
    columns = [column for statement in selects for column in statement.selected_columns]
    assert not [column for column in columns if isinstance(column.type, Boolean) and not isinstance(column, Column)]
    locking = [statement for statement in selects if statement._for_update_arg is not None]
    assert locking
    assert all("WITH (UPDLOCK" in compile_for_mssql(statement) for statement in locking)
    texts = {compile_for_mssql(statement) for statement in statements}
    assert len(texts) > 30
    for text in texts:
        assert "LIMIT" not in text
        called = {name.lower() for name in re.findall(r"\b([a-z]+)\(", text)}
        assert called <= FUNCTIONS, text


def test_an_upsert_is_one_merge_statement_that_locks() -> None:
    tables = [metadata.tables[name] for name in ("image_counts", "image_counts_by_day")]
    increments = [counters._increment_statement(table, "mssql") for table in tables]
    for statement in (records._upsert_statement("mssql"), *increments):
        assert isinstance(statement, ClauseElement)
        text = compile_for_mssql(statement)
        assert text.startswith("MERGE INTO ")
        assert "WITH (HOLDLOCK)" in text
        assert text.endswith(";")


def test_rows_are_locked_by_a_table_hint() -> None:
    for statement in (jobs._BY_ID_LOCKED, counters._LOCK_TOTAL):
        assert "WITH (UPDLOCK" in compile_for_mssql(statement)


def test_the_date_of_a_timestamp_is_a_cast_on_sql_server_alone() -> None:
    query = select(date_of(images.c.sort_date))
    assert "CAST(images.sort_date AS DATE)" in compile_for_mssql(query)
    assert "date(images.sort_date)" in str(query)


def test_every_table_compiles_and_its_text_columns_hold_any_character() -> None:
    for table in metadata.sorted_tables:
        text = compile_for_mssql(CreateTable(table))
        assert "DATETIME," not in text
        for index in table.indexes:
            compile_for_mssql(CreateIndex(index))
    folders = compile_for_mssql(CreateTable(metadata.tables["job_folders"]))
    assert "name NVARCHAR(max) COLLATE Latin1_General_100_BIN2" in folders
