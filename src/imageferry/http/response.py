"""An answer as it comes."""

import asyncio
import math
from collections.abc import Callable

from imageferry.http.connection import Connection
from imageferry.http.request import BrokenError, HttpError, Request, UnansweredError
from imageferry.http.response_parser import Reading

HEAD_BYTES_MAX = 256 * 1024
# A body is received in pieces of what somebody waits for, of at most so many bytes.
PIECE_BYTES_MAX = 8 * 1024 * 1024
_HEAD_ENDS = b"\r\n\r\n"
_NO_ROOM = memoryview(b"")


class Response:
    """An answer, of which the first bytes have come; `done` is told when its connection is free for another.

    Heads, and bodies of unknown length, are received in `scratch`, which many share: what lies there is taken out
    before anything else comes. Bodies of known length are received where they are to stay.
    """

    __slots__ = (
        "_begun", "_came_at_s", "_connection", "_done", "_ends_at_s", "_error", "_held_bytes", "_held_bytes_max",
        "_left_bytes", "_looked_at_bytes", "_loop", "_piece", "_pieces", "_reading", "_request", "_room", "_scratch",
        "_waiter", "_wanted_bytes", "untouched",
    )  # fmt: skip

    def __init__(
        self, request: Request, *, unpacks: bool, scratch: bytearray, done: Callable[[Connection], None]
    ) -> None:
        self.untouched = True  # not a byte has come
        self._request = request
        self._reading = Reading(unpacks=unpacks, bodiless=request.method == "HEAD")
        self._scratch = scratch
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._begun: bytes | None = b""  # of its head; None: that has been read
        self._left_bytes = 0  # of a body of known length
        self._pieces: list[bytes | bytearray] = []
        self._piece: bytearray | None = None  # that is being received
        self._room = _NO_ROOM  # what is free of it
        self._held_bytes = 0
        self._held_bytes_max = self._wanted_bytes = request.ahead_bytes
        self._error: HttpError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ends_at_s = math.inf  # in the loop's time
        self._looked_at_bytes = 0  # so many were held when the time was last looked at
        self._came_at_s = 0.0  # and others had come by then

    @property
    def status(self) -> int:
        """Its status."""
        return self._reading.status

    def headers(self, name: str) -> list[str]:
        """Every value of a header."""
        return self._reading.headers(name)

    def header(self, name: str) -> str | None:
        """A header's value, the last where it comes twice; None: it is not there."""
        return self._reading.header(name)

    async def read(self, size_bytes_max: int) -> bytes | bytearray:
        """The next bytes of the body: as many as asked for, fewer at its end; raises BrokenError when it breaks off."""
        self._held_bytes_max = max(self._held_bytes_max, size_bytes_max)
        if self._held_bytes < size_bytes_max:
            await self._wait(size_bytes_max)
            if self._error is not None and self._held_bytes < size_bytes_max:
                raise self._error
        self._shelve()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        rest = data[size_bytes_max:]
        if rest:
            data = data[:size_bytes_max]
        self._pieces = [rest] if rest else []
        self._held_bytes = len(rest)
        self._receive()
        return data

    def close(self) -> None:
        """Read no more of it; idempotent."""
        self._let_go(keep=False)
        self._pieces.clear()

    async def arrive(self, connection: Connection, head: bytes, *, ends_at_s: float) -> None:
        """Ask, and wait until as much is there as is to be read ahead; all of the answer is to come by that time."""
        request = self._request
        self._connection = connection
        self._ends_at_s = ends_at_s
        if request.begin_s is not None:
            self._ends_at_s = min(ends_at_s, self._loop.time() + request.begin_s)
        connection.ask(head, request.body, taker=self)
        await self._wait(request.ahead_bytes)
        self._ends_at_s = ends_at_s
        if self._error is not None and self._held_bytes < request.ahead_bytes:
            raise self._error

    def room(self) -> bytearray | memoryview | None:
        """See Taker."""
        if self._begun is not None:
            return self._scratch
        if self._held_bytes >= self._held_bytes_max:
            return None
        if self._reading.size_bytes is None:
            return self._scratch
        if self._piece is None:
            wanted_bytes = min(self._held_bytes_max - self._held_bytes, self._left_bytes, PIECE_BYTES_MAX)
            self._piece = bytearray(wanted_bytes)
            self._room = memoryview(self._piece)
        return self._room

    def take(self, size_bytes: int) -> None:
        """See Taker."""
        if self._piece is not None:
            self._room = self._room[size_bytes:]
            self._count(size_bytes)
            return
        self.untouched = False
        data = bytes(memoryview(self._scratch)[:size_bytes])
        try:
            if self._begun is None:
                self._feed(data)
            else:
                self._read_head(self._begun + data)
        except ValueError as exc:
            self.fail(str(exc))

    def end(self) -> None:
        """See Taker."""
        if self._begun is None and self._reading.until_closed:
            self._finish()
        else:
            self.fail("The connection was closed")

    def fail(self, message: str, *, timed_out: bool = False) -> None:
        """See Taker."""
        kind = BrokenError if self._begun is None else UnansweredError
        self._error = kind(message, timed_out=timed_out)
        self._let_go(keep=False)
        self._wake()

    def look_at_the_time(self, now_s: float) -> None:
        """See Taker."""
        stall_s = self._request.stall_s
        if now_s > self._ends_at_s:
            self.fail("The answer did not come in time", timed_out=True)
        elif stall_s is not None and self._waiter is not None:
            if self._held_bytes != self._looked_at_bytes:
                self._looked_at_bytes, self._came_at_s = self._held_bytes, now_s
            elif now_s > self._came_at_s + stall_s:
                self.fail(f"No byte came for {stall_s:g} s", timed_out=True)

    def _read_head(self, begun: bytes) -> None:
        """Read what has come of the head, those of interim answers passed over, and go on with what is behind it."""
        while (ends := begun.find(_HEAD_ENDS) + len(_HEAD_ENDS)) >= len(_HEAD_ENDS):
            self._reading.read_head(begun[:ends])
            begun = begun[ends:]
            if self._reading.complete:
                self._begun = None
                self._begin_body(begun)
                return
        if len(begun) > HEAD_BYTES_MAX:
            raise ValueError("The head of the answer does not end")
        self._begun = begun

    def _begin_body(self, begun: bytes) -> None:
        size_bytes = self._reading.size_bytes
        if size_bytes is None:
            self._feed(begun)
        elif len(begun) > size_bytes:
            raise ValueError("More came than was announced")
        elif size_bytes == 0:
            self._finish()
        else:
            self._left_bytes = size_bytes
            if begun and (room := self.room()) and len(begun) <= len(room):
                room[: len(begun)] = begun
                self._room = self._room[len(begun) :]
            elif begun:  # more than is wanted, for now
                self._piece, self._room = None, _NO_ROOM
                self._pieces.append(begun)
            self._count(len(begun))

    def _feed(self, data: bytes) -> None:
        if data:
            pieces = self._reading.feed(data)
            self._pieces += pieces
            self._held_bytes += sum(map(len, pieces))
        self._look_how_far(ended=self._reading.ended)

    def _count(self, size_bytes: int) -> None:
        self._held_bytes += size_bytes
        self._left_bytes -= size_bytes
        if not self._room:
            self._shelve()
        self._look_how_far(ended=not self._left_bytes)

    def _look_how_far(self, *, ended: bool) -> None:
        if ended:
            self._finish()
        elif self._held_bytes >= self._wanted_bytes:
            self._wake()

    def _shelve(self) -> None:
        """Hold what has been received of a piece as one of its own."""
        piece, received_bytes = self._piece, 0 if self._piece is None else len(self._piece) - len(self._room)
        self._piece, self._room = None, _NO_ROOM
        if piece is not None and received_bytes:
            del piece[received_bytes:]
            self._pieces.append(piece)

    def _finish(self) -> None:
        self._let_go(keep=self._reading.keeps)
        self._wake()

    def _let_go(self, *, keep: bool) -> None:
        connection, self._connection = self._connection, None
        self._reading.let_go()
        if connection is not None:
            connection.leave(keep=keep)
            self._done(connection)

    def _receive(self) -> None:
        if self._connection is not None:
            self._connection.receive()

    async def _wait(self, size_bytes: int) -> None:
        """Until so many bytes are held, or no more will come."""
        self._wanted_bytes = size_bytes
        while self._connection is not None and (self._begun is not None or self._held_bytes < size_bytes):
            self._waiter = self._loop.create_future()
            if self._request.stall_s is not None:
                self._looked_at_bytes, self._came_at_s = self._held_bytes, self._loop.time()
            if not self.untouched:
                self._receive()  # what was not received for want of room
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
