"""The port of the HTTP client: requests, responses, and the errors that sending one can raise."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

PREFETCH_BYTES = 128 * 1024


class HttpError(Exception):
    """A request failed. The message, which contains no secret, is the end of a sentence: no capital, no full stop."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class NoResponseError(HttpError):
    """No response came."""


class ConnectError(NoResponseError):
    """No connection could be made, so other requests to the same origin will fail too."""


class InvalidResponseError(HttpError):
    """What came is not valid HTTP, or has a content coding that can't be unpacked."""


class IncompleteResponseError(HttpError):
    """A response began and then broke off."""


class Request(Struct, kw_only=True):
    """A request. `Accept-Encoding: gzip` is sent unless `headers` contain another."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray | memoryview | None = None
    timeout_s: float | None = None  # for the whole response
    prefetch_timeout_s: float | None = None  # for the head and the first `prefetch_bytes`
    stall_s: float | None = None  # longest wait for the next byte while a caller is reading
    prefetch_bytes: int = PREFETCH_BYTES  # received before `send` returns; about as many are buffered later


class HttpResponse(Protocol):
    """A response whose head has come. The caller reads it to its end or closes it."""

    @property
    def status(self) -> int:
        """The status code, 200 to 999: interim (1xx) responses are skipped."""
        ...

    def header(self, name: str) -> str | None:
        """Return a header's value, the last one if it is repeated, or None."""
        ...

    def headers(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        ...

    async def read(self, size_bytes_max: int) -> bytes | bytearray:
        """Return the next `size_bytes_max` bytes of the body, fewer at its end.

        gzip is unpacked, never more of it than asked for. Raises IncompleteResponseError and InvalidResponseError.
        """
        ...

    def close(self) -> None:
        """Stop receiving and discard what is buffered. Idempotent."""
        ...


class HttpClient(Protocol):
    """Sends requests over a pool of connections. Follows no redirects."""

    async def send(self, request: Request) -> HttpResponse:
        """Return the response, of any status, when its head and `prefetch_bytes` of its body (as sent) have come.

        Raises NoResponseError when none comes, InvalidResponseError when it is no HTTP or has another content coding
        than gzip, and IncompleteResponseError when it breaks off within the prefetched bytes. A GET, HEAD, PUT or
        DELETE is sent once more when a reused connection turns out to be closed.
        """
        ...

    async def close(self) -> None:
        """Close all connections; responses in progress fail. Idempotent."""
        ...
