"""Periodically remove from the store what deletions and cancelled jobs have left there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.catalog.database.connection import Catalog
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.pipeline.delete_images import finish_deletions
from imageferry.stores.store import Store

CLEANUP_INTERVAL_S = 3.0


@asynccontextmanager
async def periodic_cleanup(
    *, catalog: Catalog, store: Store, interval_s: float = CLEANUP_INTERVAL_S
) -> AsyncIterator[None]:
    """Clean up until the context ends; the next clean-up finishes what is interrupted then."""
    task = asyncio.create_task(_clean_up_forever(catalog, store, interval_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _clean_up_forever(catalog: Catalog, store: Store, every_s: float) -> None:
    while True:
        try:
            await finish_deletions(catalog=catalog, store=store)
        except ImageferryError as exc:
            log.warning("cleanup.postponed", detail=exc.message)
        await asyncio.sleep(every_s)
