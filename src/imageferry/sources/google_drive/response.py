"""One answer of Google's: its head, and its body as it comes; failures of the transport, told as ours."""

from imageferry.errors import Reason, TransientError, UnreachableError
from imageferry.http.request import BrokenError, HttpError, UnreachedError
from imageferry.http.response import Response
from imageferry.model import Content


class Answer:
    """An answer whose head has come; its body is read, or it is closed."""

    def __init__(self, url: str, response: Response) -> None:
        self.url = url
        self.status = response.status
        self._response = response

    def header(self, name: str) -> str | None:
        """A header's value; None: it is not there."""
        return self._response.header(name)

    @property
    def content_type(self) -> str:
        """The type, without its parameters; empty: none is told."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def announced_bytes(self) -> int | None:
        """How long the body is to be; None: nobody says, or it comes compressed."""
        told = self.header("Content-Length")
        packed = self.header("Content-Encoding") not in {None, "identity"}
        return int(told) if told is not None and told.isdecimal() and not packed else None

    async def read(self, size_bytes_max: int) -> Content:
        """The next bytes of the body: as many as asked for, fewer at its end; raises TransientError when it breaks."""
        try:
            return await self._response.read(size_bytes_max)
        except HttpError as exc:
            raise failed(exc) from exc

    def close(self) -> None:
        """Read no more of it; idempotent."""
        self._response.close()


def failed(exc: HttpError) -> TransientError:
    """What it is to whoever called that no answer came, or that it broke off."""
    if isinstance(exc, UnreachedError):
        return UnreachableError(Reason.SOURCE_UNAVAILABLE, f"Google cannot be reached: {exc}.")
    if exc.timed_out:
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google did not answer in time: {exc}.")
    if isinstance(exc, BrokenError):
        return TransientError(Reason.CORRUPT, f"The answer ended before all of it had come: {exc}.")
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google cannot be reached: {exc}.")
