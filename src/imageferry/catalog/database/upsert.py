"""Upserts: insert rows or update existing ones in one statement, in each database's syntax."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Table
from sqlalchemy.sql import Executable

from imageferry.catalog.database.mssql import Assignments, Merge, parameter_row


def upsert(
    table: Table,
    dialect: str,
    *,
    key_columns: Sequence[str],
    assignments: Assignments,
    rows: Select[Any] | None = None,
) -> Executable:
    """Return a statement that inserts the rows of a query, or rows of parameters, named like the table's columns.

    Where a row with the same `key_columns` exists, it is updated: `assignments` receives the incoming row's columns
    and returns (column name, new value) pairs.
    """
    # Each dialect package takes long to import, and only one is needed.
    match dialect:
        case "mysql" | "mariadb":
            from sqlalchemy.dialects import mysql  # noqa: PLC0415 - slow to import; only one dialect is needed

            into = mysql.insert(table)
            into = into if rows is None else into.from_select(rows.selected_columns.keys(), rows)
            return into.on_duplicate_key_update(assignments(into.inserted))
        case "mssql":
            source = parameter_row(table) if rows is None else rows
            return Merge(table, source, key_columns=key_columns, assignments=assignments)
        case "postgresql":
            from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - slow to import; only one is needed
        case _:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment] # noqa: PLC0415 - slow to import
    statement = insert(table)
    statement = statement if rows is None else statement.from_select(rows.selected_columns.keys(), rows)
    return statement.on_conflict_do_update(index_elements=key_columns, set_=dict(assignments(statement.excluded)))
