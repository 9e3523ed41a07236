"""Concurrency limits for streamed bodies: each holds memory for as long as its client reads."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from imageferry.errors import Reason, TransientError
from imageferry.gateway.protocol.streaming import started
from imageferry.gateway.security.rate_limiter import client_key

RETRY_AFTER_S = 5


class StreamKind(StrEnum):
    """A kind of streamed body, with limits of its own. The value is its plural, for people."""

    ARCHIVE = "ZIP downloads"
    EVENTS = "event streams"
    EXPORT = "exports"  # the complete list of images, a manifest
    IMAGE = "image downloads"


LIMITS = {  # in total, then per client
    StreamKind.ARCHIVE: (32, 8),
    StreamKind.EVENTS: (2_000, 200),  # a client may be a proxy or an office with many people
    StreamKind.EXPORT: (32, 8),
    # A browser opens six connections at once. A client that reads nothing costs a third of a megabyte until its stall
    # timeout.
    StreamKind.IMAGE: (256, 64),
}


class StreamSlots:
    """Semaphores over streamed bodies, with a limit in total and a limit per client for each kind. They never wait."""

    def __init__(self) -> None:
        self._used = {kind: Counter[str]() for kind in StreamKind}

    async def respond(
        self,
        kind: StreamKind,
        scope: Scope,
        chunks: AsyncIterator[bytes],
        **kwargs: Any,  # noqa: ANN401 - of StreamingResponse
    ) -> StreamingResponse:
        """Return a response that streams the chunks and holds a slot until they are sent or the client disconnects.

        Errors of the first chunk are raised here. Raises like `acquire`.
        """
        with ExitStack() as slot:
            slot.enter_context(self.acquire(kind, client_key(scope)))
            return _SlotResponse(await started(chunks), slot=slot.pop_all(), **kwargs)

    @contextmanager
    def acquire(self, kind: StreamKind, client: str) -> Iterator[None]:
        """Hold one slot until the context ends.

        Raises 429 when the client holds its share already, TransientError when no slot is free.
        """
        total, per_client = LIMITS[kind]
        used = self._used[kind]
        if used[client] >= per_client:
            message = f"You already have {per_client} {kind} open. Wait until one has finished, then try again."
            raise HTTPException(429, message, headers={"Retry-After": str(RETRY_AFTER_S)})
        if used.total() >= total:
            message = f"The gateway is busy with {total:,} {kind}. Try again in a moment."
            raise TransientError(Reason.OVERLOADED, message, retry_after_s=RETRY_AFTER_S)
        used[client] += 1
        try:
            yield
        finally:
            used[client] -= 1
            if not used[client]:
                del used[client]


class _SlotResponse(StreamingResponse):
    """A streamed response that releases its slot when the body has been sent or the client has disconnected."""

    def __init__(self, *args: Any, slot: ExitStack, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's arguments
        super().__init__(*args, **kwargs)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        with self._slot:
            await super().__call__(scope, receive, send)
