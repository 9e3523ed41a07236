"""What SQL Server says in words of its own: MERGE for an upsert, CAST for a date."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Date, Select, Table, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import Executable, Subquery
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.functions import GenericFunction

Changing = Callable[[Any], list[tuple[str, Any]]]


class Merge(Executable, ClauseElement):
    """Insert what a query gives, by the names of the table's columns; where `identity` is there, change that row.

    `changes` is given the columns that are fresh, and tells what a row takes over.
    """

    inherit_cache = False

    def __init__(self, table: Table, rows: Select[Any], *, identity: Sequence[str], changes: Changing) -> None:
        self.table = table
        self.fresh: Subquery = rows.subquery("fresh")
        self.identity = identity
        self.changes = changes(self.fresh.c)


def given_rows(table: Table) -> Select[Any]:
    """A row of parameters, by the names of all of a table's columns."""
    return select(*(bindparam(column.name, type_=column.type).label(column.name) for column in table.columns))


@compiles(Merge, "mssql")
def _merge(merge: Merge, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    name = compiler.preparer.quote
    table, fresh = compiler.preparer.format_table(merge.table), compiler.process(merge.fresh, asfrom=True, **kw)
    same = " AND ".join(f"{table}.{name(column)} = fresh.{name(column)}" for column in merge.identity)
    changed = ", ".join(f"{name(column)} = {compiler.process(value, **kw)}" for column, value in merge.changes)
    columns = [name(column.name) for column in merge.fresh.c]
    return (  # names of tables and columns, quoted, and parameters
        f"MERGE INTO {table} WITH (HOLDLOCK) USING {fresh} ON {same} "  # noqa: S608 - the same
        f"WHEN MATCHED THEN UPDATE SET {changed} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) "
        f"VALUES ({', '.join(f'fresh.{column}' for column in columns)});"
    )


class date(GenericFunction[Any]):  # noqa: N801 - its name is the function's
    """The day of a moment; what `func.date` is from here on."""

    type = Date()
    inherit_cache = True


@compiles(date, "mssql")
def _date(day: date, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    return f"CAST({compiler.process(day.clauses, **kw)} AS DATE)"
