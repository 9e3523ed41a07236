"""Bringing the database's schema to the version that this code speaks."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from imageferry.catalog.session import Catalog
from imageferry.errors import FatalError, Reason, TransientError

# At the start somebody is looking: what does not open soon is told at once.
PATIENCE_S = 2.0
_MIGRATIONS = Path(__file__).parent / "migrations"


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
        message = (
            f"The catalog {where} cannot be opened: {told}. Check DATABASE_URL and that the database may be written."
        )
        raise FatalError(Reason.CATALOG_UNAVAILABLE, message) from exc
    return True


def _is_current(tx: Connection) -> bool:
    scripts = ScriptDirectory(str(_MIGRATIONS))
    at = MigrationContext.configure(tx).get_current_revision()
    if at is not None:
        try:
            scripts.get_revision(at)
        except CommandError as exc:
            mend = "upgrade imageferry, or use another DATABASE_URL"
            message = f"The catalog was written by a newer imageferry (schema {at}): {mend}."
            raise FatalError(Reason.CATALOG_NEWER, message) from exc
    return at == scripts.get_current_head()


def _upgrade(tx: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")
