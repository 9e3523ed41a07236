"""Keys that all gateways of a catalog sign with, so that what one gave out the other knows."""

from secrets import token_urlsafe

from sqlalchemy import Connection, select

from imageferry.catalog.database.tables import signing_keys


def signing_key(tx: Connection, name: str) -> str:
    """The key of a name, made when it is first asked for; in a write, for it may be run again."""
    known: str | None = tx.execute(select(signing_keys.c.key).where(signing_keys.c.name == name)).scalar_one_or_none()
    if known is not None:
        return known
    made = token_urlsafe(32)
    tx.execute(signing_keys.insert().values(name=name, key=made))
    return made
