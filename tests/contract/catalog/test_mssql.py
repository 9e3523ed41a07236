"""What the catalog says to SQL Server: no server of it is here, so that it can be said is all that is tried."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Boolean, Column, Engine, Select, event
from sqlalchemy.dialects.mssql.mssqlpython import MSDialect_mssqlpython
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import Executable
from sqlalchemy.sql.elements import ClauseElement

from imageferry.catalog.database.tables import metadata
from imageferry.catalog.images import counters, records
from imageferry.catalog.jobs import jobs
from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow

# Built for the database at hand, and looked at below.
BUILT = re.compile(r"ON CONFLICT|PRAGMA")
FUNCTIONS = {"count", "coalesce", "sum", "max", "min", "floor", "cast", "date", "over", "nullif", "avg"}
PATHS = (
    "/api/jobs",
    "/api/jobs?state=completed",
    "/api/images?page=1&per_page=2",
    "/api/images?limit=2",
    "/api/images?q=a&mime_type=image/jpeg&sort=-size",
    "/api/images?sort=name&located=false",
    "/api/images/timeline",
    "/api/images/facets",
    "/api/images/all",
    "/api/images/1",
    "/api/stats",
    "/images",
)


@pytest.fixture
def said() -> Iterator[list[ClauseElement]]:
    """All that is said to a database meanwhile."""
    statements: list[ClauseElement] = []

    def note(_connection: object, statement: Executable, *_: object) -> None:
        assert isinstance(statement, ClauseElement)
        statements.append(statement)

    event.listen(Engine, "before_execute", note)
    yield statements
    event.remove(Engine, "before_execute", note)


def in_its_words(statement: ClauseElement) -> str:
    dialect = MSDialect_mssqlpython()  # type: ignore[no-untyped-call] # SQLAlchemy's
    return str(statement.compile(dialect=dialect))


async def test_all_that_an_import_and_its_views_say_can_be_said(
    tree: Tree, flow: Flow, said: list[ClauseElement]
) -> None:
    root = tree.folder("Holiday")
    for folder in ("Beach", "Town"):
        tree.numbered_files(tree.folder(folder, parent=root), 5, size_bytes=100)
    async with served(anywhere(flow)) as gateway:
        job = await gateway.run(flow.drive.folder_url(root))
        await gateway.run(flow.drive.folder_url(root))
        for move in ("retry", "cancel"):
            await gateway.session.post(f"/api/jobs/{job['job_id']}/{move}")
        for path in (*PATHS, f"/api/jobs/{job['job_id']}", f"/api/jobs/{job['job_id']}/items"):
            await gateway.get(path)

    mine = [statement for statement in said if not BUILT.search(str(statement))]
    selects = [statement for statement in mine if isinstance(statement, Select)]
    # It has no truth values: a comparison is no column of an answer.
    columns = [column for statement in selects for column in statement.selected_columns]
    assert not [column for column in columns if isinstance(column.type, Boolean) and not isinstance(column, Column)]
    locking = [statement for statement in selects if statement._for_update_arg is not None]
    assert locking
    assert all("WITH (UPDLOCK" in in_its_words(statement) for statement in locking)
    words = {in_its_words(statement) for statement in mine}
    assert len(words) > 30
    for text in words:
        assert "LIMIT" not in text
        called = {name.lower() for name in re.findall(r"\b([a-z]+)\(", text)}
        assert called <= FUNCTIONS, text


def test_what_is_there_is_changed_by_one_statement_that_locks() -> None:
    for statement in (
        records._recording("mssql"),
        *(counters._adding(metadata.tables[name], "mssql") for name in ("tallies", "days")),
    ):
        assert isinstance(statement, ClauseElement)
        text = in_its_words(statement)
        assert text.startswith("MERGE INTO ")
        assert "WITH (HOLDLOCK)" in text
        assert text.endswith(";")


def test_a_row_is_locked_by_a_hint() -> None:

    for statement in (jobs._BY_ID_LOCKED, counters._LOCK):
        assert "WITH (UPDLOCK" in in_its_words(statement)


def test_every_table_can_be_made_and_holds_every_character() -> None:
    for table in metadata.sorted_tables:
        text = in_its_words(CreateTable(table))
        assert "DATETIME," not in text
        for index in table.indexes:
            in_its_words(CreateIndex(index))
    folders = in_its_words(CreateTable(metadata.tables["folders"]))
    assert "name NVARCHAR(max) COLLATE Latin1_General_100_BIN2" in folders
