"""A TCP relay that delays a server's responses, to simulate network latency.

After SIGTERM it prints the actual mean delay in seconds: its timers have a resolution of a millisecond and are never
early.
"""

import argparse
import asyncio
import signal
import sys
import time
from typing import cast

import uvloop


class Delay:
    """Delays data by a fixed time and measures the actual delay."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self._sum_s = 0.0
        self._count = 0

    def deliver(self, data: bytes, client: asyncio.Transport) -> None:
        """Write data to the client after the delay."""
        self._loop.call_later(self._delay_s, self._deliver, data, client, time.perf_counter())

    def close(self, client: asyncio.Transport) -> None:
        """Close the client's connection after the delay."""
        self._loop.call_later(self._delay_s, client.close)

    @property
    def mean_s(self) -> float:
        """The mean delay so far."""
        return self._sum_s / max(self._count, 1)

    def _deliver(self, data: bytes, client: asyncio.Transport, received_at_s: float) -> None:
        client.write(data)
        self._sum_s += time.perf_counter() - received_at_s
        self._count += 1


class Relay(asyncio.Protocol):
    """A client's connection and its connection to the server."""

    def __init__(self, *, port: int, delay: Delay) -> None:
        self._port = port
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Transport | None = None
        self._buffered = bytearray()  # received from the client before the server is connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._client = cast("asyncio.Transport", transport)  # a TCP transport
        self._connecting = self._loop.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._server is None:
            self._buffered += data
        else:
            self._server.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - required by asyncio.Protocol
        """See asyncio.Protocol."""
        if self._server is not None:
            self._server.close()

    async def _connect(self) -> None:
        self._server, _ = await self._loop.create_connection(
            lambda: _Responses(self._client, delay=self._delay), "127.0.0.1", self._port
        )
        self._server.write(bytes(self._buffered))


class _Responses(asyncio.Protocol):
    def __init__(self, client: asyncio.Transport, *, delay: Delay) -> None:
        self._client = client
        self._delay = delay

    def data_received(self, data: bytes) -> None:
        self._delay.deliver(data, self._client)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - required by asyncio.Protocol
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
    arguments = parser.parse_args()
    uvloop.run(_serve(listen=arguments.listen, port=arguments.port, delay_s=arguments.delay_s))
