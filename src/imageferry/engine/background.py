"""An engine at work in the background, from when no other process works on the catalog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.engine.base import Engine
from imageferry.engine.lock import EngineLock, NoLock
from imageferry.log import log

ASK_EVERY_S = 0.5


@asynccontextmanager
async def at_work(engine: Engine, *, lock: EngineLock | NoLock) -> AsyncIterator[asyncio.Task[None]]:
    """Run an engine until the context ends, then let it give back what is under way.

    While another process holds the lock, that process does the work and this one waits for its turn. The task
    ends early when the jobs that the engine was given are terminal, or when it fails; its error is raised at the
    end of the context at the latest.
    """
    working = asyncio.create_task(_work(engine, lock))
    try:
        yield working
    finally:
        engine.stop()
        if not lock.held:
            working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        lock.release()
    if not working.cancelled():
        working.result()


async def _work(engine: Engine, lock: EngineLock | NoLock) -> None:
    if not lock.acquire():
        log.info("engine.waits", detail="Another process works on this catalog.")
        while not lock.acquire():  # noqa: ASYNC110 - the other process cannot set an event here
            await asyncio.sleep(ASK_EVERY_S)
    await engine.run()
