"""Databases that cannot hold every name: they are refused before anything is stored in them."""

from sqlalchemy import Connection, bindparam, text

from imageferry.catalog.database.tables import metadata
from imageferry.errors import FatalError, Reason

_MYSQL_COLUMN = text(
    "SELECT CONCAT(table_name, '.', column_name, ' has ', character_set_name) FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name IN :tables AND character_set_name <> 'utf8mb4' LIMIT 1"
).bindparams(bindparam("tables", value=list(metadata.tables), expanding=True))


def check_character_set(tx: Connection) -> None:
    """Raise FatalError, which says what to do, if the database has no character set for all of Unicode."""
    if tx.dialect.name == "postgresql":
        if (found := tx.execute(text("SHOW server_encoding")).scalar_one()) != "UTF8":
            raise _refused(f"it has the encoding {found}", fix="Create one with `CREATE DATABASE name ENCODING 'UTF8'`")
    elif tx.dialect.name == "mysql":
        fix = "Run `ALTER DATABASE name CHARACTER SET utf8mb4` before the first start, or use another database"
        if (found := tx.execute(text("SELECT @@character_set_database")).scalar_one()) != "utf8mb4":
            raise _refused(f"it has the character set {found}", fix=fix)
        if (found := tx.execute(_MYSQL_COLUMN).scalar_one_or_none()) is not None:
            raise _refused(f"its column {found}", fix="Convert its tables to utf8mb4, or use another database")


def _refused(cause: str, *, fix: str) -> FatalError:
    message = f"The catalog's database can't hold the names of all files: {cause}. {fix}, and check DATABASE_URL."
    return FatalError(Reason.MISCONFIGURED, message)
