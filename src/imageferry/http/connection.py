"""A connection, used by one request and its response at a time."""

import socket
import ssl
from time import monotonic
from typing import Protocol

from imageferry.http.poller import Poller
from imageferry.http.tls import error_text
from imageferry.http.url import Origin

_PEEK = socket.socket.recv  # of the TCP stream, also below TLS
_NOT_READY = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ResponseReceiver(Protocol):
    """Receives the bytes of one response; shaped like asyncio.BufferedProtocol."""

    def get_buffer(self) -> bytearray | memoryview | None:
        """Return the buffer for the next bytes; None: receive nothing for now."""
        ...

    def buffer_updated(self, size_bytes: int) -> None:
        """Handle bytes that were received into the buffer."""
        ...

    def eof_received(self) -> None:
        """Handle the end of the connection."""
        ...

    def fail(self, message: str) -> None:
        """Handle a broken connection; the message says why."""
        ...

    def check_deadlines(self, now_s: float) -> None:
        """Fail when a deadline has passed. Called periodically, with the loop's time."""
        ...


class Connection:
    """A connected, non-blocking socket."""

    __slots__ = (
        "_encrypted", "_fd", "_poller", "_receive_into", "_send_error", "_socket", "_unsent",
        "closed", "idle_since_s", "origin", "receiver",
    )  # fmt: skip

    def __init__(self, connected: socket.socket, *, origin: Origin, poller: Poller) -> None:
        self.origin = origin
        self.closed = False
        self.idle_since_s = 0.0
        self._socket = connected
        self._receive_into = connected.recv_into
        self._fd = connected.fileno()
        self._encrypted = isinstance(connected, ssl.SSLSocket)
        self._poller = poller
        self.receiver: ResponseReceiver | None = None
        self._unsent: list[memoryview] = []
        self._send_error: str | None = None
        poller.register(self._fd, self._on_ready)

    def send_request(
        self, head: bytes, body: bytes | bytearray | memoryview | None, *, receiver: ResponseReceiver
    ) -> None:
        """Start sending a request. The receiver gets all bytes that come, until `release`."""
        self.receiver = receiver
        self._unsent = [memoryview(head), memoryview(body)] if body else [memoryview(head)]
        self._send()
        if self._send_error is None:
            self._poller.rearm(self._fd, writable=bool(self._unsent))
        else:
            self.receive()  # the poller reports nothing more

    def receive(self) -> None:
        """Pass received bytes to the receiver until the socket is empty or the receiver has no buffer."""
        while (receiver := self.receiver) is not None and (buffer := receiver.get_buffer()) is not None:
            try:
                size_bytes = self._receive_into(buffer)
            except _NOT_READY:
                self._poller.rearm(self._fd, writable=bool(self._unsent))
                return
            except OSError as exc:
                receiver.fail(self._send_error or error_text(exc))
                return
            if size_bytes:
                receiver.buffer_updated(size_bytes)
            elif self._send_error is None:
                receiver.eof_received()
            else:
                receiver.fail(self._send_error)

    def release(self, *, keep_alive: bool) -> None:
        """Detach the receiver. Close the socket unless it may and can carry another request. Idempotent."""
        self.receiver = None
        if self.closed:
            return
        if keep_alive and not self._unsent and self._send_error is None:
            self.idle_since_s = monotonic()
            self._poller.rearm(self._fd, writable=False)
            return
        self.closed = True
        self._unsent.clear()
        self._poller.unregister(self._fd)
        self._socket.close()

    def is_silent(self) -> bool:
        """Return whether an idle connection is open and brings no bytes, which the next response would begin with."""
        if self.closed:
            return False
        try:
            _PEEK(self._socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending())
        except OSError:
            return False
        self._check_idle()  # TLS has messages of its own
        return not self.closed

    def _on_ready(self) -> None:
        try:
            if self.receiver is None:
                self._check_idle()
                return
            if self._unsent:
                self._send()
            self.receive()
        except Exception as exc:  # noqa: BLE001 - the events of all other connections would be lost with it
            if self.receiver is not None:
                self.receiver.fail(f"the response could not be received ({type(exc).__name__})")
            self.release(keep_alive=False)

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
            # The server may have answered before it had read everything.
            unsent.clear()
            self._send_error = error_text(exc)

    def _check_idle(self) -> None:
        """Close an idle connection that has ended, or that brings bytes nothing asked for."""
        try:
            self._socket.recv(1)
        except _NOT_READY:
            self._poller.rearm(self._fd, writable=False)
            return
        except OSError:
            pass
        self.release(keep_alive=False)
