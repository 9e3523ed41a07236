"""Row locks: SELECT ... FOR UPDATE on any database."""

from typing import Any, TypeVar

from sqlalchemy import Select, Table

Q = TypeVar("Q", bound=Select[Any])


def for_update(query: Q, table: Table, *, skip_locked: bool = False) -> Q:
    """Return the query with its rows of `table` locked until the transaction ends.

    Other transactions wait for the rows; with `skip_locked`, rows that are locked already are left out.
    """
    hint = "WITH (UPDLOCK, READPAST)" if skip_locked else "WITH (UPDLOCK)"
    return query.with_for_update(skip_locked=skip_locked).with_hint(table, hint, "mssql")
