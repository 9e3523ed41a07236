"""A relay that delivers what a server answers late: a network with a way to go, where there is none."""

import argparse
import asyncio
from typing import cast

import uvloop


class Relay(asyncio.Protocol):
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, *, port: int, delay_s: float) -> None:
        self._port = port
        self._delay_s = delay_s
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
            lambda: _Answers(self._client, delay_s=self._delay_s), "127.0.0.1", self._port
        )
        self._server.write(bytes(self._early))


class _Answers(asyncio.Protocol):
    def __init__(self, client: asyncio.Transport, *, delay_s: float) -> None:
        self._client = client
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._loop.call_later(self._delay_s, self._client.write, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base's
        self._loop.call_later(self._delay_s, self._client.close)


async def _serve(*, listen: int, port: int, delay_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Relay(port=port, delay_s=delay_s), "127.0.0.1", listen, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delay", description=__doc__)
    parser.add_argument("listen", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("delay_s", type=float)
    asked = parser.parse_args()
    uvloop.run(_serve(listen=asked.listen, port=asked.port, delay_s=asked.delay_s))
