"""Bringing the database's schema to the version that this code speaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.tables import metadata
from imageferry.errors import FatalError, Reason, TransientError

# At the start somebody is looking: what does not open soon is told at once.
PATIENCE_S = 2.0
# How long another process may take for its migrations.
_TURN_S = 600
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's word for what was waited for in vain
_MIGRATIONS = Path(__file__).parent / "migrations"
# Where Alembic keeps the number of the last migration; read without it, for it takes long to import.
_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


async def migrate(catalog: Catalog) -> bool:
    """Run the migrations that are missing; True when there were any.

    Safe to run again after it was killed, and beside another that runs. Raises FatalError when the database
    cannot be opened or was written by a newer version.
    """
    try:
        if await catalog.read(_is_current, patience_s=PATIENCE_S):
            return False
        await catalog.write(_upgrade, patience_s=PATIENCE_S)
    except (TransientError, DBAPIError) as exc:
        cause = exc.__cause__ if isinstance(exc, TransientError) else exc
        told = getattr(cause, "orig", None) or exc
        where = catalog.url.render_as_string(hide_password=True)
        mend = "Check DATABASE_URL and that the database may be written"
        raise FatalError(Reason.CATALOG_UNAVAILABLE, f"The catalog {where} cannot be opened: {told}. {mend}.") from exc
    return True


def _is_current(tx: Connection) -> bool:
    if not inspect(tx).has_table(_version.name):
        return False
    at = tx.execute(select(_version.c.version_num)).scalar_one_or_none()
    known = _known()
    if at is not None and at not in known:
        mend = "upgrade imageferry, or use another DATABASE_URL"
        raise FatalError(Reason.CATALOG_NEWER, f"The catalog was written by a newer imageferry (schema {at}): {mend}.")
    return at == known[-1]


def _known() -> list[str]:
    return sorted(path.stem.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _upgrade(tx: Connection) -> None:
    if tx.dialect.name == "sqlite" and not inspect(tx).get_table_names():
        # What most begin with, and a third of a second without Alembic; all or nothing, for SQLite can take it back.
        metadata.create_all(tx, checkfirst=False)
        _version.create(tx)
        tx.execute(_version.insert().values(version_num=_known()[-1]))
        return
    from alembic import command  # noqa: PLC0415 - rarely needed, and long to import
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = tx
    with _in_turn(tx):
        command.upgrade(config, "head")


@contextmanager
def _in_turn(tx: Connection) -> Iterator[None]:
    """Wait until no other process migrates this database. SQLite lets one write at a time anyway."""
    kind = tx.dialect.name
    if kind == "postgresql":
        tx.execute(text(f"SET LOCAL lock_timeout = '{_TURN_S}s'"))
        try:
            # Until the transaction ends.
            tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('imageferry.migrate'))"))
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise _others_turn() from None
        tx.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        yield
    elif kind == "mysql":
        # Its tables are made outside of transactions, and its lock knows none: what was done is committed first.
        taken = tx.execute(text(f"SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), {_TURN_S})")).scalar_one()
        if not taken:
            raise _others_turn()
        try:
            yield
            tx.exec_driver_sql("COMMIT")
        finally:
            tx.execute(text("SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.migrate'))"))
    else:
        yield


def _others_turn() -> TransientError:
    message = f"Another process has been migrating it for {_TURN_S} seconds"
    return TransientError(Reason.CATALOG_UNAVAILABLE, message)
