"""What every route leans on: the parts of the process, and the engine that works in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from msgspec import Struct, field

from imageferry.bootstrap.components import Ferry
from imageferry.catalog.database.connection import Tx
from imageferry.engine.base import Engine
from imageferry.errors import Reason, TransientError
from imageferry.gateway.protocol.cursors import Cursors
from imageferry.gateway.protocol.stream_slots import Seats
from imageferry.thumbnails.source_thumbnails import Glimpses
from imageferry.thumbnails.thumbnails import Thumbnails

T = TypeVar("T")

# The catalog is patient with its database, for a minute; whoever waits for an HTTP answer is not.
CATALOG_ANSWER_S = 10.0
RETRY_AFTER_S = 5.0
# Each lists a folder at the source, at the expense of the jobs.
PREVIEWS_AT_ONCE = 4


class Gateway(Struct, frozen=True, kw_only=True):
    """A running gateway."""

    ferry: Ferry
    engine: Engine
    working: asyncio.Task[None]  # the engine's run
    thumbnails: Thumbnails
    glimpses: Glimpses
    cursors: Cursors
    demo_folder_url: str | None = None  # None: there is no stand-in
    seats: Seats = field(default_factory=Seats)
    previews: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PREVIEWS_AT_ONCE))

    async def read(self, query: Callable[[Tx], T]) -> T:
        """What the catalog answers; TransientError when it does not in time."""
        async with prompt():
            return await self.ferry.catalog.read(query)

    async def write(self, change: Callable[[Tx], T]) -> T:
        """What a change returns, once it is committed; TransientError when the catalog does not answer in time."""
        async with prompt():
            return await self.ferry.catalog.write(change)


@asynccontextmanager
async def prompt(*, limit_s: float = CATALOG_ANSWER_S) -> AsyncIterator[None]:
    """Raise TransientError(CATALOG_UNAVAILABLE) when the catalog takes longer than a client waits."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except TimeoutError as exc:
        message = "The catalog does not answer: try again in a moment."
        raise TransientError(Reason.CATALOG_UNAVAILABLE, message, retry_after_s=RETRY_AFTER_S) from exc


def _running(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


Here = Annotated[Gateway, Depends(_running)]
