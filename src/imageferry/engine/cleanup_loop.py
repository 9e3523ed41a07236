"""Keeping the store tidy: what deletions and cancelled jobs have left is removed, again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.catalog.database.connection import Catalog
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.pipeline.delete_images import tidy
from imageferry.stores.store import Store

TIDY_EVERY_S = 3.0


@asynccontextmanager
async def tidying(*, catalog: Catalog, store: Store, every_s: float = TIDY_EVERY_S) -> AsyncIterator[None]:
    """Tidy up until the context ends; what is cut off then is finished by whoever tidies next."""
    task = asyncio.create_task(_tidy_on(catalog, store, every_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _tidy_on(catalog: Catalog, store: Store, every_s: float) -> None:
    while True:
        try:
            await tidy(catalog=catalog, store=store)
        except ImageferryError as exc:
            log.warning("tidying.put_off", detail=exc.message)
        await asyncio.sleep(every_s)
