"""Types of columns that the databases spell differently.

Each is spelt when its database is known: to import what SQLAlchemy knows of all of them takes a tenth of a start.
"""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

# SQLite counts rows only in a column of the exact type INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")


class Exact(TypeDecorator[str]):
    """Text that holds any character and tells upper from lower case: MySQL's and SQL Server's usual does neither.

    Where it is `sorted`, it is compared by code points everywhere, so that a prefix is a range.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int = 255, *, is_sorted: bool = False) -> None:
        super().__init__(length)
        self.length = length
        self.is_sorted = is_sorted

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "mysql" | "mariadb":
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - the others are not needed with it

                return mysql.VARCHAR(self.length, charset="utf8mb4", collation="utf8mb4_bin")
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - the same

                return mssql.NVARCHAR(self.length, collation="Latin1_General_100_BIN2")
            case "postgresql" if self.is_sorted:
                return String(self.length, "C")
            case _:
                return String(self.length)


class Long(TypeDecorator[str]):
    """The same, of any length."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "mysql" | "mariadb":
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - the same

                return mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin")
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - the same

                return mssql.NVARCHAR(None, collation="Latin1_General_100_BIN2")
            case "postgresql":
                return _WithoutNul()
            case _:
                return Text()


class _WithoutNul(TypeDecorator[str]):
    """Text in a database that holds every character but NUL: it is kept as U+2400, its picture."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base's
        """What is written."""
        return None if value is None else value.replace("\0", "\N{SYMBOL FOR NULL}")


class Instant(TypeDecorator[Any]):
    """A moment in UTC, without a zone, to the microsecond.

    Whole seconds, as MySQL has them unless told otherwise, are not enough to order events by.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "mysql" | "mariadb":
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - the same

                return mysql.DATETIME(fsp=6)
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - the same

                return mssql.DATETIME2(precision=6)  # type: ignore[no-untyped-call] # SQLAlchemy's
            case _:
                return DateTime()
