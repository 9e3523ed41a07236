"""A session that ends at one gateway ends at all gateways of the catalog, also after a restart."""

import asyncio
from functools import partial
from pathlib import Path

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.ended_sessions import end_session, ended_since
from imageferry.catalog.database.migrate import migrate
from imageferry.gateway.security.ended_sessions import following_ended_sessions
from imageferry.gateway.security.sessions import Sessions

TOKEN = "correct-horse-battery-staple"


async def test_a_session_ends_at_every_gateway(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    await migrate(catalog)
    session = Sessions(TOKEN).create_session()
    other_gateway = Sessions(TOKEN)
    async with following_ended_sessions(other_gateway, catalog):
        session_id = other_gateway.session_id(session)
        assert session_id is not None
        end = partial(end_session, session_id=session_id, lifetime_ms=60_000)
        assert await catalog.write(end) == await catalog.write(end)
        while other_gateway.is_valid_session(session):  # noqa: ASYNC110 - it polls
            await asyncio.sleep(0.01)
    restarted = Sessions(TOKEN)
    async with following_ended_sessions(restarted, catalog):
        assert not restarted.is_valid_session(session)
    await catalog.close()


async def test_sessions_that_have_expired_since_are_deleted(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path}/catalog.db")
    await migrate(catalog)
    for number in range(3):
        await catalog.write(partial(end_session, session_id=str(number), lifetime_ms=-1))
    assert set(await catalog.read(partial(ended_since, since_ms=0))) == {"2"}
    await catalog.close()
