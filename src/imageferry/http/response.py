"""A response, received as the caller reads it."""

import asyncio
import math
from collections.abc import Callable

from imageferry.http.base import HttpError, IncompleteResponseError, InvalidResponseError, NoResponseError, Request
from imageferry.http.connection import Connection
from imageferry.http.response_parser import ResponseParser

# A body of known length is received in buffers of what the caller waits for, each of at most so many bytes.
PIECE_BYTES_MAX = 8 * 1024 * 1024
# Smaller pieces are joined: a list of single bytes would take a hundred times their size.
PIECE_BYTES_MIN = 4096
_NO_BUFFER = memoryview(b"")


class Response:
    """A response whose head and first bytes have come. Implements HttpResponse and ResponseReceiver.

    Heads, and bodies of unknown length, are received into `scratch`, which all responses of a client share; the
    bytes are copied out before anything else arrives. Bodies of known length are received where they stay.
    The body is what was sent: GzipResponse unpacks it. `on_done` is called when the connection is free, or closed.
    """

    __slots__ = (
        "_buffer", "_buffered_bytes", "_buffered_bytes_max", "_connection", "_deadline_at_s", "_error", "_last_bytes",
        "_last_progress_at_s", "_left_bytes", "_loop", "_on_done", "_parser", "_piece",
        "_pieces", "_request", "_scratch", "_waiter", "_wanted_bytes", "is_untouched",
    )  # fmt: skip

    def __init__(self, request: Request, *, scratch: bytearray, on_done: Callable[[Connection], None]) -> None:
        self.is_untouched = True  # not a byte has come
        self._request = request
        self._parser = ResponseParser(no_body=request.method == "HEAD")
        self._scratch = scratch
        self._on_done = on_done
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._left_bytes = 0  # of a body of known length
        self._pieces: list[bytes | bytearray] = []  # received, not read
        self._piece: bytearray | None = None  # being received
        self._buffer = _NO_BUFFER  # the free part of `_piece`
        self._buffered_bytes = 0
        self._buffered_bytes_max = self._wanted_bytes = request.prefetch_bytes
        self._error: HttpError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._deadline_at_s = math.inf  # in the loop's time, as all times here
        self._last_bytes = 0  # buffered at the last check of the deadlines
        self._last_progress_at_s = 0.0

    @property
    def status(self) -> int:
        """See HttpResponse."""
        return self._parser.status

    @property
    def is_gzip(self) -> bool:
        """Whether the body has to be unpacked."""
        return self._parser.is_gzip

    def headers(self, name: str) -> list[str]:
        """See HttpResponse."""
        return self._parser.headers(name)

    def header(self, name: str) -> str | None:
        """See HttpResponse."""
        return self._parser.header(name)

    async def read(self, size_bytes_max: int) -> bytes | bytearray:
        """See HttpResponse."""
        self._buffered_bytes_max = max(self._buffered_bytes_max, size_bytes_max)
        if self._buffered_bytes < size_bytes_max:
            await self._wait(size_bytes_max)
            if self._error is not None and self._buffered_bytes < size_bytes_max:
                raise self._error
        self._finish_piece()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        rest = data[size_bytes_max:]
        if rest:
            data = data[:size_bytes_max]
        self._pieces = [rest] if rest else []
        self._buffered_bytes = len(rest)
        self._receive()
        return data

    def close(self) -> None:
        """See HttpResponse."""
        if self._connection is not None:
            self._fail(IncompleteResponseError("the response was closed"))
        self._pieces.clear()

    async def start(self, connection: Connection, head: bytes, *, deadline_at_s: float) -> None:
        """Send the request and wait for `prefetch_bytes`. The whole response must come by `deadline_at_s`."""
        request = self._request
        self._connection = connection
        self._deadline_at_s = deadline_at_s
        if request.prefetch_timeout_s is not None:
            self._deadline_at_s = min(deadline_at_s, self._loop.time() + request.prefetch_timeout_s)
        connection.send_request(head, request.body, receiver=self)
        await self._wait(request.prefetch_bytes)
        self._deadline_at_s = deadline_at_s
        if self._error is not None and self._buffered_bytes < request.prefetch_bytes:
            raise self._error

    def get_buffer(self) -> bytearray | memoryview | None:
        """See ResponseReceiver."""
        if not self._parser.head_complete:
            return self._scratch
        if self._buffered_bytes >= self._buffered_bytes_max:
            return None
        if self._parser.body_bytes is None:
            return self._scratch
        if self._piece is None:
            wanted_bytes = min(self._buffered_bytes_max - self._buffered_bytes, self._left_bytes, PIECE_BYTES_MAX)
            self._piece = bytearray(wanted_bytes)
            self._buffer = memoryview(self._piece)
        return self._buffer

    def buffer_updated(self, size_bytes: int) -> None:
        """See ResponseReceiver."""
        if self._piece is not None:
            self._buffer = self._buffer[size_bytes:]
            self._count(size_bytes)
            return
        self.is_untouched = False
        data = bytes(memoryview(self._scratch)[:size_bytes])
        try:
            if self._parser.head_complete:
                self._feed(data)
            elif (start_of_body := self._parser.feed_head(data)) is not None:
                self._start_body(start_of_body)
        except ValueError as exc:
            self._fail(InvalidResponseError(str(exc)))

    def eof_received(self) -> None:
        """See ResponseReceiver."""
        if self._parser.head_complete and self._parser.reads_until_close:
            self._finish()
        else:
            self.fail("the connection was closed")

    def fail(self, message: str, *, timed_out: bool = False) -> None:
        """See ResponseReceiver."""
        kind = IncompleteResponseError if self._parser.head_complete else NoResponseError
        self._fail(kind(message, timed_out=timed_out))

    def check_deadlines(self, now_s: float) -> None:
        """See ResponseReceiver."""
        stall_s = self._request.stall_s
        if now_s > self._deadline_at_s:
            self.fail("the response did not come in time", timed_out=True)
        elif stall_s is not None and self._waiter is not None:
            if self._buffered_bytes != self._last_bytes:
                self._last_bytes, self._last_progress_at_s = self._buffered_bytes, now_s
            elif now_s > self._last_progress_at_s + stall_s:
                self.fail(f"no byte came for {stall_s:g} s", timed_out=True)

    def _fail(self, error: HttpError) -> None:
        self._error = error
        self._release(keep_alive=False)
        self._wake()

    def _start_body(self, data: bytes) -> None:
        size_bytes = self._parser.body_bytes
        if size_bytes is None:
            self._feed(data)
            return
        if len(data) > size_bytes:
            self._parser.keep_alive = False  # what came behind the end belongs to no response
            data = data[:size_bytes]
        if not size_bytes:
            self._finish()
        else:
            self._left_bytes = size_bytes
            if data and (buffer := self.get_buffer()) and len(data) <= len(buffer):
                buffer[: len(data)] = data
                self._buffer = self._buffer[len(data) :]
            elif data:  # more than the caller waits for
                self._piece, self._buffer = None, _NO_BUFFER
                self._pieces.append(data)
            self._count(len(data))

    def _feed(self, data: bytes) -> None:
        if data:
            self._append(self._parser.feed(data))
        self._wake_if_enough(ended=self._parser.ended)

    def _append(self, piece: bytes) -> None:
        self._buffered_bytes += len(piece)
        if self._pieces and len(self._pieces[-1]) < PIECE_BYTES_MIN:
            self._pieces[-1] += piece
        elif piece:
            self._pieces.append(piece)

    def _count(self, size_bytes: int) -> None:
        self._buffered_bytes += size_bytes
        self._left_bytes -= size_bytes
        if not self._buffer:
            self._finish_piece()
        self._wake_if_enough(ended=not self._left_bytes)

    def _wake_if_enough(self, *, ended: bool) -> None:
        if ended:
            self._finish()
        elif self._buffered_bytes >= self._wanted_bytes:
            self._wake()

    def _finish_piece(self) -> None:
        """Move what has been received of the current piece to the finished ones."""
        piece, received_bytes = self._piece, 0 if self._piece is None else len(self._piece) - len(self._buffer)
        self._piece, self._buffer = None, _NO_BUFFER
        if piece is not None and received_bytes:
            del piece[received_bytes:]
            self._pieces.append(piece)

    def _finish(self) -> None:
        self._release(keep_alive=self._parser.keep_alive)
        self._wake()

    def _release(self, *, keep_alive: bool) -> None:
        connection, self._connection = self._connection, None
        self._parser.close()
        if connection is not None:
            connection.release(keep_alive=keep_alive)
            self._on_done(connection)

    def _receive(self) -> None:
        if self._connection is not None:
            self._connection.receive()

    async def _wait(self, size_bytes: int) -> None:
        """Wait until `size_bytes` are buffered or no more will come."""
        self._wanted_bytes = size_bytes
        while self._connection is not None and (not self._parser.head_complete or self._buffered_bytes < size_bytes):
            self._waiter = self._loop.create_future()
            if self._request.stall_s is not None:
                self._last_bytes, self._last_progress_at_s = self._buffered_bytes, self._loop.time()
            if not self.is_untouched:
                self._receive()  # what was left in the socket while the buffer was full
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
