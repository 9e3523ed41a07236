"""A connection, which one request and its answer have at a time."""

import socket
import ssl
from time import monotonic
from typing import Protocol

from imageferry.http.connector import words_of
from imageferry.http.poller import Sockets
from imageferry.http.url import Origin

_NOT_READY = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Taker(Protocol):
    """Whoever an answer is for."""

    def room(self) -> bytearray | memoryview | None:
        """Where the next bytes are to lie; None: not now."""
        ...

    def take(self, size_bytes: int) -> None:
        """So many have come, and lie there."""
        ...

    def end(self) -> None:
        """No others will come."""
        ...

    def fail(self, message: str) -> None:
        """It broke, as these words tell."""
        ...

    def look_at_the_time(self, now_s: float) -> None:
        """So late it is, by the loop's clock; called again and again."""
        ...


class Connection:
    """A socket that does not block, from when it is connected until it is closed."""

    __slots__ = (
        "_encrypted", "_fd", "_receive_into", "_send_error", "_socket", "_sockets", "_unsent",
        "closed", "idle_since_s", "origin", "taker", "used",
    )  # fmt: skip

    def __init__(self, connected: socket.socket, *, origin: Origin, sockets: Sockets) -> None:
        self.origin = origin
        self.used = False  # an answer has come by it before
        self.closed = False
        self.idle_since_s = 0.0
        self._socket = connected
        self._receive_into = connected.recv_into
        self._fd = connected.fileno()
        self._encrypted = isinstance(connected, ssl.SSLSocket)
        self._sockets = sockets
        self.taker: Taker | None = None
        self._unsent: list[memoryview] = []
        self._send_error: str | None = None
        sockets.watch(self._fd, self._ready)

    def ask(self, head: bytes, body: bytes | bytearray | memoryview | None, *, taker: Taker) -> None:
        """Send a request, as far as it goes now and the rest later; what comes is the taker's."""
        self.taker = taker
        self._unsent = [memoryview(head), memoryview(body)] if body else [memoryview(head)]
        self._send()
        if self._send_error is None:
            self._sockets.await_ready(self._fd, writable=bool(self._unsent))
        else:
            self.receive()  # nothing would tell us again

    def receive(self) -> None:
        """Let the taker have what has come, as far as it has room."""
        while (taker := self.taker) is not None and (room := taker.room()) is not None:
            try:
                size_bytes = self._receive_into(room)
            except _NOT_READY:
                self._sockets.await_ready(self._fd, writable=bool(self._unsent))
                return
            except OSError as exc:
                taker.fail(self._send_error or words_of(exc))
                return
            if size_bytes:
                taker.take(size_bytes)
            elif self._send_error is None:
                taker.end()
            else:
                taker.fail(self._send_error)

    def leave(self, *, keep: bool) -> None:
        """The answer is over, or nobody waits for it any more; `keep`: another may follow. Idempotent."""
        self.taker = None
        if self.closed:
            return
        if keep and not self._unsent and self._send_error is None:
            self.used = True
            self.idle_since_s = monotonic()
            self._sockets.await_ready(self._fd, writable=False)
            return
        self.closed = True
        self._unsent.clear()
        self._sockets.leave(self._fd)
        self._socket.close()

    def _ready(self) -> None:
        if self.taker is None:
            self._look_whether_it_stands()
            return
        if self._unsent:
            self._send()
        self.receive()

    def _send(self) -> None:
        unsent = self._unsent
        try:
            while unsent:
                sent = self._socket.send(unsent[0]) if self._encrypted else self._socket.sendmsg(unsent)
                while unsent and sent >= len(unsent[0]):
                    sent -= len(unsent.pop(0))
                if sent:
                    unsent[0] = unsent[0][sent:]
        except _NOT_READY:
            pass
        except OSError as exc:
            # An answer may have come all the same, as from a server that has heard enough.
            unsent.clear()
            self._send_error = words_of(exc)

    def _look_whether_it_stands(self) -> None:
        try:
            self._socket.recv(1)
        except _NOT_READY:
            self._sockets.await_ready(self._fd, writable=False)
            return
        except OSError:
            pass
        self.leave(keep=False)  # it has ended, or brings what nobody asked for
