"""How many bodies are sent at once: each holds memory for as long as its reader takes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from imageferry.errors import Reason, TransientError

# A browser asks for six at once. A reader that takes nothing costs a third of a megabyte until it is let go.
SEATS, SEATS_EACH = 256, 64
RETRY_AFTER_S = 5


class Seats:
    """So many readers in all, and so many of one client."""

    def __init__(self, *, total: int = SEATS, each: int = SEATS_EACH) -> None:
        self._total = total
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """A seat for as long as the context lasts; raises TransientError when there is none."""
        if self._taken.total() >= self._total or self._taken[client] >= self._each:
            message = "Too many images are being read: try again in a moment."
            raise TransientError(Reason.BUSY, message, retry_after_s=RETRY_AFTER_S)
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]


class SeatedResponse(StreamingResponse):
    """A body whose seat is given back when it is sent, or when its reader has gone."""

    def __init__(self, *args: Any, seat: ExitStack, **kwargs: Any) -> None:  # noqa: ANN401 - the base's
        super().__init__(*args, **kwargs)
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        with self._seat:
            await super().__call__(scope, receive, send)
