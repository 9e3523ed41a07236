"""Signing keys, shared by all gateways of a catalog: each accepts what another has signed."""

from secrets import token_urlsafe

from sqlalchemy import Connection, select

from imageferry.catalog.database.tables import signing_keys


def signing_key(tx: Connection, name: str) -> str:
    """Return the key with this name; create it on first use. Call it in a write: two gateways may race to create it."""
    query = select(signing_keys.c.key).where(signing_keys.c.name == name)
    existing: str | None = tx.execute(query).scalar_one_or_none()
    if existing is not None:
        return existing
    key = token_urlsafe(32)
    tx.execute(signing_keys.insert().values(name=name, key=key))
    return key
