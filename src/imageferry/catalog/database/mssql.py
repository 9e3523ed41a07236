"""Upserts on SQL Server: the MERGE statement, which SQLAlchemy does not have."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import Executable, Subquery
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Assignments = Callable[[Any], list[tuple[str, Any]]]
"""From the columns of the incoming row to what an existing row is set to: (column name, new value) pairs."""


class Merge(Executable, ClauseElement):
    """Insert the rows of a query, whose columns are named like the table's; update rows with the same key columns."""

    inherit_cache = False

    def __init__(
        self, table: Table, rows: Select[Any], *, key_columns: Sequence[str], assignments: Assignments
    ) -> None:
        self.table = table
        self.incoming: Subquery = rows.subquery("incoming")
        self.key_columns = key_columns
        self.assignments = assignments(self.incoming.c)


def parameter_row(table: Table) -> Select[Any]:
    """Return a query for one row of bound parameters, named and typed like the table's columns."""
    return select(*(bindparam(column.name, type_=column.type).label(column.name) for column in table.columns))


@compiles(Merge, "mssql")
def _compile_merge(merge: Merge, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    name = compiler.preparer.quote
    table, rows = compiler.preparer.format_table(merge.table), compiler.process(merge.incoming, asfrom=True, **kw)
    same_key = " AND ".join(f"{table}.{name(column)} = incoming.{name(column)}" for column in merge.key_columns)
    updates = ", ".join(f"{name(column)} = {compiler.process(value, **kw)}" for column, value in merge.assignments)
    columns = [name(column.name) for column in merge.incoming.c]
    # Only quoted names of tables and columns, and parameters, are interpolated.
    return (
        f"MERGE INTO {table} WITH (HOLDLOCK) USING {rows} ON {same_key} "  # noqa: S608 - see above
        f"WHEN MATCHED THEN UPDATE SET {updates} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) "
        f"VALUES ({', '.join(f'incoming.{column}' for column in columns)});"
    )
