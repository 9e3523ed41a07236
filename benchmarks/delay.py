"""A relay that delivers what a server answers late: a network with a way to go, where there is none.

Once it is ended by SIGTERM, it tells on stdout how late that was on the average, in seconds: its timers are a
millisecond coarse, and never early.
"""

import argparse
import asyncio
import signal
import sys
import time
from typing import cast

import uvloop


class Delay:
    """How late answers are to be, and how late they were."""

    def __init__(self, wanted_s: float) -> None:
        self._wanted_s = wanted_s
        self._loop = asyncio.get_running_loop()
        self._sum_s = 0.0
        self._count = 0

    def deliver(self, data: bytes, client: asyncio.Transport) -> None:
        """Late."""
        self._loop.call_later(self._wanted_s, self._deliver, data, client, time.perf_counter())

    def close(self, client: asyncio.Transport) -> None:
        """As late as what went before."""
        self._loop.call_later(self._wanted_s, client.close)

    @property
    def mean_s(self) -> float:
        """Of all that was delivered."""
        return self._sum_s / max(self._count, 1)

    def _deliver(self, data: bytes, client: asyncio.Transport, came_at_s: float) -> None:
        client.write(data)
        self._sum_s += time.perf_counter() - came_at_s
        self._count += 1


class Relay(asyncio.Protocol):
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, *, port: int, delay: Delay) -> None:
        self._port = port
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Transport | None = None
        self._early = bytearray()  # what the client sends before the server is reached

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._client = cast("asyncio.Transport", transport)  # of a TCP server
        self._connecting = self._loop.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._server is None:
            self._early += data
        else:
            self._server.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base's
        """See asyncio.Protocol."""
        if self._server is not None:
            self._server.close()

    async def _connect(self) -> None:
        self._server, _ = await self._loop.create_connection(
            lambda: _Answers(self._client, delay=self._delay), "127.0.0.1", self._port
        )
        self._server.write(bytes(self._early))


class _Answers(asyncio.Protocol):
    def __init__(self, client: asyncio.Transport, *, delay: Delay) -> None:
        self._client = client
        self._delay = delay

    def data_received(self, data: bytes) -> None:
        self._delay.deliver(data, self._client)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base's
        self._delay.close(self._client)


async def _serve(*, listen: int, port: int, delay_s: float) -> None:
    delay, ended, loop = Delay(delay_s), asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with await loop.create_server(lambda: Relay(port=port, delay=delay), "127.0.0.1", listen, backlog=1024):
        await ended.wait()
        sys.stdout.write(f"{delay.mean_s}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delay", description=__doc__)
    parser.add_argument("listen", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("delay_s", type=float)
    asked = parser.parse_args()
    uvloop.run(_serve(listen=asked.listen, port=asked.port, delay_s=asked.delay_s))
