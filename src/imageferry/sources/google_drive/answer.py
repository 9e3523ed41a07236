"""One answer of Google's: its head, and its body as it comes; failures of the transport, told as ours."""

from pyreqwest.exceptions import BodyDecodeError, ReadError, RequestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from imageferry.errors import Reason, TransientError


class Answer:
    """An answer whose head has come; its body is read, or it is closed."""

    def __init__(self, url: str, request: StreamRequest, response: Response) -> None:
        self.url = url
        self.status = response.status
        self._request = request
        self._response = response

    def header(self, name: str) -> str | None:
        """A header's value; None also for one that is not ASCII."""
        try:
            return self._response.get_header(name)
        except ValueError:
            return None

    def has_header(self, name: str) -> bool:
        """True: the header is there, whatever it says."""
        return name in self._response.headers

    @property
    def content_type(self) -> str:
        """The type, without its parameters; empty: none is told."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def announced_bytes(self) -> int | None:
        """How long the body is to be; None: nobody says, or it comes compressed."""
        told = self.header("Content-Length")
        return int(told) if told is not None else None  # the client has checked that it is a number

    async def read(self, size_bytes_max: int) -> bytes:
        """The next bytes of the body: as many as asked for, fewer at its end; raises TransientError when it breaks."""
        return bytes(await self.view(size_bytes_max))

    async def view(self, size_bytes_max: int) -> memoryview:
        """The same, as the client holds them: large ones take time to copy."""
        try:
            read = await self._response.body_reader.read(size_bytes_max)
        except RequestError as exc:
            raise broken(exc) from exc
        return memoryview(b"" if read is None else read)

    async def close(self) -> None:
        """Read no more of it; idempotent."""
        await self._request.__aexit__(None, None, None)


def unanswered(exc: RequestError) -> TransientError:
    """What it is to whoever called that no answer came, or that it broke off in what was read ahead."""
    if isinstance(exc, (TimeoutError, BodyDecodeError, ReadError)):
        return broken(exc)
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google cannot be reached: {_cause(exc)}")


def broken(exc: RequestError) -> TransientError:
    """What it is to whoever reads a body that it breaks off."""
    if isinstance(exc, TimeoutError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google did not answer in time: {_cause(exc)}")
    return TransientError(Reason.CORRUPT, f"The answer ended before all of it had come: {_cause(exc)}")


def _cause(exc: RequestError) -> str:
    """The innermost cause: those around it name the URL, or say no more than that something failed."""
    causes = exc.details["causes"] or []
    return causes[-1]["message"] if causes else exc.message
