"""Schema migrations: bring the database to the schema of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from imageferry.catalog.database.character_set import check_character_set
from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import metadata
from imageferry.errors import FatalError, Reason, TransientError

# Short, because a person usually waits for the start: a database that cannot be opened is reported at once.
RETRY_TIMEOUT_S = 2.0
# How long to wait while another process migrates the database.
LOCK_WAIT_S = 600
_LOCK_NOT_AVAILABLE = "55P03"  # the SQLSTATE of PostgreSQL's lock_timeout
_MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic's table with the current revision. Read without Alembic, which is slow to import.
_alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


async def migrate(catalog: Catalog, *, lock_wait_s: int = LOCK_WAIT_S) -> bool:
    """Run the migrations that are missing. Return whether there were any.

    Safe to run again after it was killed, and while another process runs it: it waits `lock_wait_s` for that one.
    Raise FatalError if the database cannot be opened or has a schema that this version does not know.
    """
    try:
        if await catalog.read(_is_current, retry_timeout_s=RETRY_TIMEOUT_S):
            return False
        await catalog.write(partial(_upgrade, lock_wait_s=lock_wait_s), retry_timeout_s=RETRY_TIMEOUT_S)
    except (TransientError, DBAPIError) as exc:
        cause = exc.__cause__ if isinstance(exc, TransientError) else exc
        detail = getattr(cause, "orig", None) or exc
        url = catalog.url.render_as_string(hide_password=True)
        fix = "Check DATABASE_URL, and that the database is writable"
        raise FatalError(Reason.CATALOG_UNAVAILABLE, f"The catalog {url} cannot be opened: {detail}. {fix}.") from exc
    return True


def _is_current(tx: Connection) -> bool:
    check_character_set(tx)
    if not inspect(tx).has_table(_alembic_version.name):
        return False
    revision = tx.execute(select(_alembic_version.c.version_num)).scalar_one_or_none()
    known = _known_revisions()
    if revision is not None and revision not in known:
        message = (
            f"The catalog has schema {revision}, which this imageferry does not know:"
            " a newer version or a pre-release wrote it. Upgrade imageferry, or use another DATABASE_URL."
        )
        raise FatalError(Reason.CATALOG_NEWER, message)
    return revision == known[-1]


def _known_revisions() -> list[str]:
    return sorted(path.stem for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _upgrade(tx: Connection, *, lock_wait_s: int) -> None:
    if tx.dialect.name == "sqlite" and not inspect(tx).get_table_names():
        # The usual first start: creating the tables directly saves a third of a second, Alembic's import.
        # SQLite rolls back DDL, so this is all or nothing.
        metadata.create_all(tx, checkfirst=False)
        _alembic_version.create(tx)
        tx.execute(_alembic_version.insert().values(version_num=_known_revisions()[-1]))
        return
    from alembic import command  # noqa: PLC0415 - rarely needed, and slow to import
    from alembic.config import Config  # noqa: PLC0415 - rarely needed, and slow to import

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = tx
    with _migration_lock(tx, wait_s=lock_wait_s):
        command.upgrade(config, "head")


@contextmanager
def _migration_lock(tx: Connection, *, wait_s: int) -> Iterator[None]:
    """Hold the database's migration lock. SQLite needs none: it has one writer at a time."""
    dialect = tx.dialect.name
    if dialect == "postgresql":
        tx.execute(text(f"SET LOCAL lock_timeout = '{wait_s}s'"))
        try:
            # Held until the transaction ends.
            tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('imageferry.migrate'))"))
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise _lock_timeout(wait_s) from None
        tx.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        yield
    elif dialect == "mysql":
        # MySQL commits DDL implicitly, and GET_LOCK is not bound to a transaction: commit before releasing it.
        acquired = tx.execute(text(f"SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), {wait_s})")).scalar_one()
        if not acquired:
            raise _lock_timeout(wait_s)
        try:
            yield
            tx.exec_driver_sql("COMMIT")
        finally:
            tx.execute(text("SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.migrate'))"))
    else:
        yield


def _lock_timeout(wait_s: int) -> TransientError:
    message = f"Another process has been migrating it for {wait_s} seconds"
    return TransientError(Reason.CATALOG_UNAVAILABLE, message)
