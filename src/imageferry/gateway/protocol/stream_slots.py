"""Concurrency limit for streamed bodies: each holds memory for as long as its client reads."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from imageferry.errors import Reason, TransientError

# A browser opens six connections at once. A client that reads nothing costs a third of a megabyte until its stall
# timeout.
SLOTS, SLOTS_PER_CLIENT = 256, 64
RETRY_AFTER_S = 5


class StreamSlots:
    """Semaphore over streamed bodies, with a limit in total and a limit per client. It never waits."""

    def __init__(self, *, total: int = SLOTS, per_client: int = SLOTS_PER_CLIENT) -> None:
        self._total = total
        self._per_client = per_client
        self._used: Counter[str] = Counter()

    @contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Hold one slot until the context ends. Raises TransientError when none is free."""
        if self._used.total() >= self._total or self._used[client] >= self._per_client:
            message = "Too many images are being downloaded. Try again in a moment."
            raise TransientError(Reason.OVERLOADED, message, retry_after_s=RETRY_AFTER_S)
        self._used[client] += 1
        try:
            yield
        finally:
            self._used[client] -= 1
            if not self._used[client]:
                del self._used[client]


class SlotResponse(StreamingResponse):
    """A streamed response that releases its slot when the body has been sent or the client has disconnected."""

    def __init__(self, *args: Any, slot: ExitStack, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's arguments
        super().__init__(*args, **kwargs)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        with self._slot:
            await super().__call__(scope, receive, send)
