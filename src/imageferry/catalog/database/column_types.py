"""Column types that need a different DDL type on each database.

The DDL type is chosen when the dialect is known: importing every dialect of SQLAlchemy takes a tenth of the start-up.
"""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

# SQLite auto-increments only a column of the exact type INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")


class Exact(TypeDecorator[str]):
    """Case-sensitive text of a limited length that can hold any character.

    MySQL's and SQL Server's default string types do neither. With `is_sorted`, every database compares it by code
    point, so that all strings with a prefix form a range.
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
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mysql.VARCHAR(self.length, charset="utf8mb4", collation="utf8mb4_bin")
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mssql.NVARCHAR(self.length, collation="Latin1_General_100_BIN2")
            case "postgresql" if self.is_sorted:
                return String(self.length, "C")
            case _:
                return String(self.length)


class Long(TypeDecorator[str]):
    """Case-sensitive text of any length that can hold any character."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "mysql" | "mariadb":
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin")
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mssql.NVARCHAR(None, collation="Latin1_General_100_BIN2")
            case "postgresql":
                return _TextWithoutNul()
            case _:
                return Text()


class _TextWithoutNul(TypeDecorator[str]):
    """Text for PostgreSQL, which cannot store NUL: NUL is stored as U+2400, its visible symbol."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature of TypeDecorator
        """See TypeDecorator."""
        return None if value is None else value.replace("\0", "\N{SYMBOL FOR NULL}")


class Instant(TypeDecorator[Any]):
    """A time in UTC, stored without a time zone, with microseconds.

    MySQL's default precision, whole seconds, is too coarse to order events.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "mysql" | "mariadb":
                from sqlalchemy.dialects import mysql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mysql.DATETIME(fsp=6)
            case "mssql":
                from sqlalchemy.dialects import mssql  # noqa: PLC0415 - slow to import; only one dialect is needed

                return mssql.DATETIME2(precision=6)  # type: ignore[no-untyped-call] # untyped in SQLAlchemy
            case _:
                return DateTime()
