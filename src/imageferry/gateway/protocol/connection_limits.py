"""A client's connection: it has so long to say what it asks, so much to say it in, and so long to take the answer."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imageferry.gateway.protocol.problems import refusal

# From the first sign of a request, or the connection's beginning, to the end of its headers.
HEADERS_S = 15.0
HEADERS_BYTES_MAX = 64 * 1024
# How long a client may take none of an answer that waits for it: at 1 KB a second it is let be.
STALL_S = 60.0
# Around a header's name and value: a colon, a blank and the line's end.
_AROUND_BYTES = 4


class _RefusedError(Exception):
    """A request is answered already."""


class Connection(HttpToolsProtocol):
    """uvicorn's, which by itself waits for ever for headers of any length, and for clients that read nothing."""

    headers_s = HEADERS_S
    stall_s = STALL_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._deadline: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._have_headers()
        self._let_be()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as what is not yet a request may become one."""
        # Where the next request begins in it, the count begins anew after it: the rest may be the last one's body.
        self._header_bytes += len(data)
        super().data_received(data)
        if self._deadline is not None:
            self._bound_headers(self._header_bytes)

    def on_message_begin(self) -> None:
        """A request begins: on a connection that is kept, another one."""
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        """What is asked is known."""
        self._have_headers()
        self._bound_headers(len(self.url) + sum(len(name) + len(value) + _AROUND_BYTES for name, value in self.headers))
        if self.transport.is_closing():
            raise _RefusedError  # which lets the parser read no further
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The client is slow: it has so long to show that it reads at all."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        self._let_be()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read as HTTP is refused in the shape of every refusal."""
        del msg
        self._refuse(400, "This is no HTTP request.")

    def _await_headers(self) -> None:
        if self._deadline is None:
            self._header_bytes = 0
            self._deadline = self.loop.call_later(self.headers_s, self._too_slow)

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _bound_headers(self, size_bytes: int) -> None:
        if size_bytes > HEADERS_BYTES_MAX:
            self._refuse(431, f"The headers are longer than {HEADERS_BYTES_MAX:,} bytes.")

    def _let_be(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _too_slow(self) -> None:
        self._deadline = None
        self._refuse(408, f"The request's headers did not arrive within {self.headers_s:g} seconds.")

    def _refuse(self, status: int, detail: str) -> None:
        self._have_headers()
        if self.transport.is_closing():
            return
        answer = refusal(status, detail, headers={"Connection": "close"})
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.transport.write(head + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()
