"""Readiness of sockets: by epoll, or by whatever else the system offers."""

import asyncio
import select
import selectors
import sys
from collections.abc import Callable
from typing import Protocol

Ready = Callable[[], None]


class Poller(Protocol):
    """Calls a socket's `ready` when the socket becomes readable or writable.

    The event loop watches the poller's own descriptor only. Registering each socket with the loop, which changes
    twice a request, would cost as much as the request itself.
    """

    def register(self, fd: int, ready: Ready) -> None:
        """Watch a socket."""
        ...

    def rearm(self, fd: int, *, writable: bool) -> None:
        """Watch a socket that was found not ready for reading and, with `writable`, not ready for writing."""
        ...

    def unregister(self, fd: int) -> None:
        """Stop watching a socket. It must still be open."""
        ...

    def close(self) -> None:
        """Stop watching all sockets."""
        ...


def create_poller() -> Poller:
    """Return the fastest poller of this system, for the running loop."""
    return EpollPoller() if sys.platform == "linux" else SelectorPoller()


class EpollPoller:
    """Edge-triggered epoll: reports changes only, so `rearm` needs no system call between two requests."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._dispatch)

    def register(self, fd: int, ready: Ready) -> None:
        """See Poller."""
        self._ready[fd] = ready
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def rearm(self, fd: int, *, writable: bool) -> None:
        """See Poller."""

    def unregister(self, fd: int) -> None:
        """See Poller."""
        del self._ready[fd]
        self._epoll.unregister(fd)

    def close(self) -> None:
        """See Poller."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _dispatch(self) -> None:
        for fd, _ in self._epoll.poll(0):
            if (ready := self._ready.get(fd)) is not None:  # None: unregistered by a callback of this loop
                ready()


class SelectorPoller:
    """Python's selectors, which are level-triggered: a socket is watched only from `rearm` to its next event."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready: dict[int, Ready] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._selector.fileno(), self._dispatch)

    def register(self, fd: int, ready: Ready) -> None:
        """See Poller."""
        self._ready[fd] = ready

    def rearm(self, fd: int, *, writable: bool) -> None:
        """See Poller."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        if fd in self._selector.get_map():
            self._selector.modify(fd, events)
        else:
            self._selector.register(fd, events)

    def unregister(self, fd: int) -> None:
        """See Poller."""
        del self._ready[fd]
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def close(self) -> None:
        """See Poller."""
        self._loop.remove_reader(self._selector.fileno())
        self._selector.close()

    def _dispatch(self) -> None:
        for key, _ in self._selector.select(0):
            if (ready := self._ready.get(key.fd)) is not None:
                self._selector.unregister(key.fd)
                ready()
