"""A connection whose response can't be received, beside one whose response can."""

import asyncio
import itertools
import socket
from collections.abc import Callable

import pytest

from imageferry.http.connection import Connection
from imageferry.http.poller import Poller, SelectorPoller, create_poller
from imageferry.http.url import Origin


class Receiver:
    """Receives into a buffer; without one it raises, as when there is no memory left."""

    def __init__(self, *, buffer: bytearray | None) -> None:
        self._buffer = buffer
        self.received = asyncio.Event()
        self.failed = asyncio.Event()

    def get_buffer(self) -> bytearray:
        if self._buffer is None:
            raise MemoryError
        return self._buffer

    def buffer_updated(self, _: int) -> None:
        self.received.set()

    def eof_received(self) -> None:
        raise AssertionError("unreachable: nothing closes the connections")

    def fail(self, message: str) -> None:
        assert "MemoryError" in message
        self.failed.set()

    def check_deadlines(self, now_s: float) -> None: ...


@pytest.mark.parametrize("create", [create_poller, SelectorPoller])
async def test_a_response_that_cannot_be_received_costs_no_other(create: Callable[[], Poller]) -> None:
    poller, pairs = create(), [socket.socketpair() for _ in range(3)]
    receivers = [Receiver(buffer=None), Receiver(buffer=bytearray(9)), Receiver(buffer=None)]
    for (client, _), receiver in zip(pairs, receivers, strict=True):
        client.settimeout(0)
        connection = Connection(client, origin=Origin("http", "127.0.0.1", 80), poller=poller)
        connection.send_request(b"GET", None, receiver=receiver)
    for _, server in pairs:
        server.sendall(b"bytes")
    async with asyncio.timeout(20):
        await asyncio.gather(receivers[0].failed.wait(), receivers[1].received.wait(), receivers[2].failed.wait())
    assert not receivers[1].failed.is_set()
    poller.close()
    for each in itertools.chain.from_iterable(pairs):
        each.close()
