"""Requests, and the errors that sending one can raise."""

from collections.abc import Mapping

from msgspec import Struct, field

PREFETCH_BYTES = 128 * 1024


class HttpError(Exception):
    """A request failed. The message contains no secret."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class NoResponseError(HttpError):
    """No response came, or what came is not valid HTTP."""


class ConnectError(NoResponseError):
    """No connection could be made, so other requests to the same origin will fail too."""


class IncompleteResponseError(HttpError):
    """A response began and then broke off."""


class Request(Struct, kw_only=True):
    """A request. Its response is decompressed unless `headers` contain Accept-Encoding."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray | memoryview | None = None
    timeout_s: float | None = None  # for the whole response
    prefetch_timeout_s: float | None = None  # for the head and the first `prefetch_bytes`
    stall_s: float | None = None  # longest wait for the next byte while a caller is reading
    prefetch_bytes: int = PREFETCH_BYTES  # received before `send` returns; about as many are buffered later
