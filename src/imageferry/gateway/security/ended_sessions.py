"""Signing out: a session that ends at one gateway ends at all gateways of the catalog, within seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.ended_sessions import ended_since
from imageferry.clock import now_ms
from imageferry.errors import TransientError
from imageferry.gateway.security.sessions import Sessions
from imageferry.log import log

POLL_INTERVAL_S = 1.0
RETRY_DELAY_S = 2.0
# Read again at each poll: commits and the clocks of gateways may be late by this much.
OVERLAP_MS = 300_000


@asynccontextmanager
async def following_ended_sessions(sessions: Sessions | None, catalog: Catalog) -> AsyncIterator[None]:
    """Keep the sessions informed of those that were ended, by any gateway, until the context ends."""
    if sessions is None:
        yield
        return
    sessions.add_ended(await catalog.read(partial(ended_since, since_ms=0)))
    task = asyncio.create_task(_follow(sessions, catalog))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _follow(sessions: Sessions, catalog: Catalog) -> None:
    while True:
        await asyncio.sleep(POLL_INTERVAL_S)
        try:
            sessions.add_ended(await catalog.read(partial(ended_since, since_ms=now_ms() - OVERLAP_MS)))
        except TransientError as exc:
            log.warning("ended_sessions.unavailable", detail=exc.message)
            await asyncio.sleep(RETRY_DELAY_S)
        except Exception:  # if it stopped, sessions would not end
            log.exception("ended_sessions.failed")
            await asyncio.sleep(RETRY_DELAY_S)
