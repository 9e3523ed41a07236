"""Watching sockets: by epoll, or by what else a system has."""

import asyncio
import select
import selectors
import sys
from collections.abc import Callable
from typing import Protocol

Ready = Callable[[], None]


class Sockets(Protocol):
    """Calls who is at a socket when it has become ready, for reading or for writing, since it last was not.

    The loop sees all sockets of a client as one file: to have it watch each, which changes twice a request, costs
    as much as the request.
    """

    def watch(self, fd: int, ready: Ready) -> None:
        """Watch a socket from now on."""
        ...

    def await_ready(self, fd: int, *, writable: bool) -> None:
        """It was found not to be ready: for reading, and for writing too if that was tried."""
        ...

    def leave(self, fd: int) -> None:
        """Watch a socket no more; it is still open."""
        ...

    def close(self) -> None:
        """Watch none any more."""
        ...


def open_sockets() -> Sockets:
    """The fastest there is; for the running loop."""
    return EdgeSockets() if sys.platform == "linux" else SelectedSockets()


class EdgeSockets:
    """Sockets by epoll, which tells of changes alone: nothing need be said to it between two requests."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._act)

    def watch(self, fd: int, ready: Ready) -> None:
        """See Sockets."""
        self._ready[fd] = ready
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def await_ready(self, fd: int, *, writable: bool) -> None:
        """See Sockets."""

    def leave(self, fd: int) -> None:
        """See Sockets."""
        del self._ready[fd]
        self._epoll.unregister(fd)

    def close(self) -> None:
        """See Sockets."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _act(self) -> None:
        for fd, _ in self._epoll.poll(0):
            if (ready := self._ready.get(fd)) is not None:  # else it was left a moment ago
                ready()


class SelectedSockets:
    """Sockets by Python's selectors, which tell what is: what nobody waits for is not watched."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready: dict[int, Ready] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._selector.fileno(), self._act)

    def watch(self, fd: int, ready: Ready) -> None:
        """See Sockets."""
        self._ready[fd] = ready

    def await_ready(self, fd: int, *, writable: bool) -> None:
        """See Sockets."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        if fd in self._selector.get_map():
            self._selector.modify(fd, events)
        else:
            self._selector.register(fd, events)

    def leave(self, fd: int) -> None:
        """See Sockets."""
        del self._ready[fd]
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def close(self) -> None:
        """See Sockets."""
        self._loop.remove_reader(self._selector.fileno())
        self._selector.close()

    def _act(self) -> None:
        for key, _ in self._selector.select(0):
            if (ready := self._ready.get(key.fd)) is not None:
                self._selector.unregister(key.fd)
                ready()
