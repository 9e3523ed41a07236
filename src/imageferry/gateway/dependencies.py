"""The running gateway, and the FastAPI dependencies of the routes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI, Request
from msgspec import Struct, field

from imageferry.bootstrap.components import Components
from imageferry.catalog.database.connection import Tx
from imageferry.engine.base import Engine
from imageferry.errors import Reason, TransientError
from imageferry.gateway.event_stream.broadcaster import EventBroadcaster
from imageferry.gateway.protocol.cursors import CursorCodec
from imageferry.gateway.security.rate_limits import LimitedAction, RateLimits
from imageferry.gateway.security.sessions import Sessions
from imageferry.gateway.security.stream_slots import StreamSlots
from imageferry.telemetry.metrics import Metrics
from imageferry.thumbnails.source_thumbnails import SourceThumbnails
from imageferry.thumbnails.thumbnails import Thumbnails

T = TypeVar("T")

# The catalog itself waits up to a minute for its database; an HTTP client shouldn't.
CATALOG_TIMEOUT_S = 10.0
RETRY_AFTER_S = 5.0
# Each preview lists a folder at the source and competes with the jobs for its rate limit.
PREVIEWS_MAX = 4


class Gateway(Struct, frozen=True, kw_only=True):
    """The parts of a running gateway. Routes get it as `GatewayDep`."""

    components: Components
    engine: Engine
    engine_task: asyncio.Task[None]
    thumbnails: Thumbnails
    source_thumbnails: SourceThumbnails
    cursors: CursorCodec
    broadcaster: EventBroadcaster
    metrics: Metrics
    sessions: Sessions | None  # None: no token is required
    rate_limits: RateLimits
    demo_folder_url: str | None  # None: there is no test Drive server
    stream_slots: StreamSlots = field(default_factory=StreamSlots)
    preview_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PREVIEWS_MAX))

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a query of the catalog. Raises TransientError when it takes longer than an HTTP client should wait."""
        async with with_deadline():
            return await self.components.catalog.read(query)

    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run and commit a change of the catalog. Raises TransientError like `read`."""
        async with with_deadline():
            return await self.components.catalog.write(change)


@asynccontextmanager
async def with_deadline(*, timeout_s: float = CATALOG_TIMEOUT_S) -> AsyncIterator[None]:
    """Raise TransientError(CATALOG_UNAVAILABLE) when the catalog takes longer than an HTTP client should wait."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as exc:
        message = "The database is not responding. Try again in a moment."
        raise TransientError(Reason.CATALOG_UNAVAILABLE, message, retry_after_s=RETRY_AFTER_S) from exc


def attach_gateway(app: FastAPI, gateway: Gateway) -> None:
    """Make the gateway available to the app's routes."""
    app.state.gateway = gateway


def gateway_of(app: FastAPI) -> Gateway:
    """Return the gateway that runs in the app's lifespan."""
    gateway: Gateway = app.state.gateway
    return gateway


def _current_gateway(request: Request) -> Gateway:
    return gateway_of(request.app)


GatewayDep = Annotated[Gateway, Depends(_current_gateway)]


def rate_limited(action: LimitedAction) -> Callable[[Request, Gateway], None]:
    """Return a dependency that answers 429 with Retry-After when a client exceeds the action's rate limit."""

    def check(request: Request, gateway: GatewayDep) -> None:
        gateway.rate_limits.check(action, request.scope)

    return check
