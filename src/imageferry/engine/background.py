"""Run an engine in the background, once no other process runs one on the same catalog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.engine.base import Engine
from imageferry.engine.lock import EngineLock, NoLock
from imageferry.log import log

LOCK_RETRY_S = 0.5


@asynccontextmanager
async def running(engine: Engine, *, lock: EngineLock | NoLock) -> AsyncIterator[asyncio.Task[None]]:
    """Run an engine until the context ends, then let it requeue what is in progress.

    While another process holds the lock, that process does the work and this one waits for the lock. The task ends
    early when the engine's jobs are terminal, or when it fails; its error is raised at the end of the context.
    """
    task = asyncio.create_task(_run_when_locked(engine, lock))
    try:
        yield task
    finally:
        engine.stop()
        if not lock.is_held:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lock.release()
    if not task.cancelled():
        task.result()


async def _run_when_locked(engine: Engine, lock: EngineLock | NoLock) -> None:
    if not lock.acquire():
        log.info("engine.lock_wait", detail="Another process works on this catalog.")
        while not lock.acquire():  # noqa: ASYNC110 - the other process cannot set an event here
            await asyncio.sleep(LOCK_RETRY_S)
    await engine.run()
