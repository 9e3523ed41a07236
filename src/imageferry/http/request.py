"""What is asked, and how it can come to nothing."""

from collections.abc import Mapping

from msgspec import Struct, field

AHEAD_BYTES = 128 * 1024


class HttpError(Exception):
    """A request came to nothing; the message names no secret."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class UnansweredError(HttpError):
    """No answer came, or none that is one."""


class UnreachedError(UnansweredError):
    """There was not even a connection: whoever is asked anything else there will not answer either."""


class BrokenError(HttpError):
    """An answer came, and broke off."""


class Request(Struct, kw_only=True):
    """A request; its answer comes unpacked, unless its headers say what encoding is wished."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray | memoryview | None = None
    timeout_s: float | None = None  # for all of the answer
    begin_s: float | None = None  # for what is read ahead of it
    stall_s: float | None = None  # for the next byte of it, while somebody waits for one
    ahead_bytes: int = AHEAD_BYTES  # of its body are there when the answer is, and about so many are held
