"""Rows that are inserted, or changed where they are there, in one statement, as each database says it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Table
from sqlalchemy.sql import Executable

from imageferry.catalog.database.mssql import Changing, Merge, given_rows


def upsert(
    table: Table, dialect: str, *, identity: Sequence[str], changes: Changing, rows: Select[Any] | None = None
) -> Executable:
    """Insert what a query gives, else rows of parameters, by the names of the table's columns.

    Where `identity` is there, change that row: `changes` is given the columns that are fresh, and tells what it takes
    over.
    """
    # What SQLAlchemy knows of a database takes long to import, and one is enough.
    match dialect:
        case "mysql" | "mariadb":
            from sqlalchemy.dialects import mysql  # noqa: PLC0415 - the same

            into = mysql.insert(table)
            into = into if rows is None else into.from_select(rows.selected_columns.keys(), rows)
            return into.on_duplicate_key_update(changes(into.inserted))
        case "mssql":
            return Merge(table, given_rows(table) if rows is None else rows, identity=identity, changes=changes)
        case "postgresql":
            from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - the same
        case _:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment] # noqa: PLC0415 - the same
    statement = insert(table)
    statement = statement if rows is None else statement.from_select(rows.selected_columns.keys(), rows)
    return statement.on_conflict_do_update(index_elements=identity, set_=dict(changes(statement.excluded)))
