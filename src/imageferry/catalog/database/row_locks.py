"""Row locks: SELECT ... FOR UPDATE on any database."""

from typing import Any, TypeVar

from sqlalchemy import Select, Table

Q = TypeVar("Q", bound=Select[Any])


def holding(query: Q, table: Table, *, skip_held: bool = False) -> Q:
    """A query whose rows of a table nobody else changes before its transaction ends, on any database."""
    hint = "WITH (UPDLOCK, READPAST)" if skip_held else "WITH (UPDLOCK)"
    return query.with_for_update(skip_locked=skip_held).with_hint(table, hint, "mssql")
