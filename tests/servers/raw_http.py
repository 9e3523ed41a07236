"""A server on loopback that answers requests with whatever bytes a test wants, valid or not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.servers.http_servers import serve_tcp

AGAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain"


class RawHttp:
    """What such a server has seen."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connections = 0
        self.heads: list[bytes] = []


@asynccontextmanager
async def serve_raw(answer: bytes | Callable[[bytes], bytes], *, closes: bool = False) -> AsyncIterator[RawHttp]:
    """Answer the first request with some bytes, or with those that a function returns for its head; others with AGAIN.

    The connection stays open, unless `closes`.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        while head := await _read_head(reader):
            server.heads.append(head)
            is_first = len(server.heads) == 1
            writer.write((answer if isinstance(answer, bytes) else answer(head)) if is_first else AGAIN)
            await writer.drain()
            if closes and is_first:
                return

    async with serve_tcp(talk) as url:
        server = RawHttp(url)
        yield server


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    """Return a request's head; nothing when the connection ends."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
