"""A response of Google's, with the HTTP client's errors translated."""

from imageferry.errors import Reason, TransientError, UnreachableError
from imageferry.http.base import ConnectError, HttpError, HttpResponse, IncompleteResponseError, InvalidResponseError
from imageferry.model import Content


class DriveResponse:
    """A response whose head has come. The caller reads its body or closes it."""

    def __init__(self, url: str, response: HttpResponse) -> None:
        self.url = url
        self.status = response.status
        self._response = response

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return self._response.header(name)

    @property
    def content_type(self) -> str:
        """The media type without parameters; empty when there is none."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def content_length_bytes(self) -> int | None:
        """The announced length of the body; None: unknown, or it is compressed."""
        length = self.header("Content-Length")
        is_compressed = self.header("Content-Encoding") not in {None, "identity"}
        return int(length) if length is not None and length.isdecimal() and not is_compressed else None

    async def read(self, size_bytes_max: int) -> Content:
        """Return the next `size_bytes_max` bytes of the body, fewer at its end. Raises TransientError."""
        try:
            return await self._response.read(size_bytes_max)
        except HttpError as exc:
            raise to_transient_error(exc) from exc

    def close(self) -> None:
        """Stop receiving. Idempotent."""
        self._response.close()


def to_transient_error(exc: HttpError) -> TransientError:
    """Translate an error of the HTTP client."""
    if isinstance(exc, ConnectError):
        return UnreachableError(Reason.SOURCE_UNAVAILABLE, f"Google can't be reached: {exc}.")
    if exc.timed_out:
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google didn't respond in time: {exc}.")
    if isinstance(exc, IncompleteResponseError):
        return TransientError(Reason.CORRUPT, f"The response broke off: {exc}.")
    if isinstance(exc, InvalidResponseError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google's response can't be read: {exc}.")
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google can't be reached: {exc}.")
