"""Limits per connection: time and size of the request headers, and time without progress of the response."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from imageferry.gateway.protocol.problems import problem_response

# From the first byte of a request, or the start of the connection, to the end of the headers.
HEADERS_TIMEOUT_S = 15.0
HEADERS_BYTES_MAX = 64 * 1024
# How long a client may read nothing while response data is waiting. A client that reads 1 KB a second is kept.
STALL_TIMEOUT_S = 60.0
# Per header line: a colon, a space, CR and LF.
_HEADER_LINE_OVERHEAD_BYTES = 4


class _RejectedError(Exception):
    """The request has been rejected and answered."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits.

    uvicorn itself waits without limit for headers of any length, and for clients that read nothing.
    """

    headers_timeout_s = HEADERS_TIMEOUT_S
    stall_timeout_s = STALL_TIMEOUT_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's arguments
        super().__init__(*args, **kwargs)
        self._headers_timer: TimerHandle | None = None
        self._stall_timer: TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Start the header timeout."""
        super().connection_made(transport)
        self._start_headers_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_headers_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and reject headers that are too large although they are not complete yet."""
        # When the next request starts within this data, on_message_begin resets the count: what precedes that request
        # may be the end of the last request's body.
        self._header_bytes += len(data)
        super().data_received(data)
        if self._headers_timer is not None:
            self._check_header_size(self._header_bytes)

    def on_message_begin(self) -> None:
        """Start the header timeout for another request on a kept-alive connection."""
        super().on_message_begin()
        self._start_headers_timer()

    def on_headers_complete(self) -> None:
        """Stop the header timeout and check the size of the complete headers."""
        self._stop_headers_timer()
        header_lines = (len(name) + len(value) + _HEADER_LINE_OVERHEAD_BYTES for name, value in self.headers)
        self._check_header_size(len(self.url) + sum(header_lines))
        if self.transport.is_closing():
            raise _RejectedError  # stops the parser
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Start the stall timeout: the client reads too slowly."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self.stall_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the stall timeout."""
        self._stop_stall_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer data that isn't HTTP with a problem, like every other error."""
        del msg
        self._reject(400, "This is not an HTTP request.")

    def _start_headers_timer(self) -> None:
        if self._headers_timer is None:
            self._header_bytes = 0
            self._headers_timer = self.loop.call_later(self.headers_timeout_s, self._on_headers_timeout)

    def _stop_headers_timer(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _check_header_size(self, size_bytes: int) -> None:
        if size_bytes > HEADERS_BYTES_MAX:
            self._reject(431, f"The request headers are larger than {HEADERS_BYTES_MAX:,} bytes.")

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _on_headers_timeout(self) -> None:
        self._headers_timer = None
        self._reject(408, f"The request headers did not arrive within {self.headers_timeout_s:g} seconds.")

    def _reject(self, status: int, detail: str) -> None:
        self._stop_headers_timer()
        if self.transport.is_closing():
            return
        response = problem_response(status, detail, headers={"Connection": "close"})
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in response.raw_headers)
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.transport.write(head + lines + b"\r\n" + bytes(response.body))
        self.transport.close()
