"""Queues for one test on a reachable broker, and a proxy that cuts connections."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlsplit

import msgspec
from celery import Celery
from redis import Redis

from imageferry.engine.celery.app import MESSAGE_TYPES, Role, make_app, publish, queue_name
from imageferry.model import Message
from tests.servers.databases import needs_server

# The defaults of servers on a developer's machine; a variable overrides each.
SERVERS = {
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
}
BROKER_KINDS = tuple(SERVERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The queues of one test on a server."""

    url: str
    prefix: str
    app: Celery

    def queue_length(self, role: Role) -> int:
        """Return how many messages wait for a role; 0 when its queue does not exist yet."""
        with self.app.connection_for_write() as connection:
            try:
                with connection.channel() as channel:
                    return int(channel.queue_declare(queue_name(self.app, role), passive=True).message_count)
            except connection.channel_errors:
                return 0

    def take(self, role: Role) -> list[Message]:
        """Remove and return all messages that wait for a role."""
        messages: list[Message] = []
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            queue = self.app.amqp.queues[queue_name(self.app, role)](channel)
            while message := queue.get(no_ack=True):
                (body,), *_ = message.decode()
                messages.append(msgspec.convert(body, MESSAGE_TYPES[role]))
        return messages

    def send(self, message: Message) -> None:
        """Send a message to the role that handles it."""
        publish(self.app, message)

    def purge(self) -> None:
        """Delete all messages of this test."""
        if self.url.startswith("redis"):
            with Redis.from_url(self.url) as server:
                for key in server.scan_iter(f"*{self.prefix}.*"):
                    server.delete(key)
            return
        with self.app.connection_for_write() as connection:
            for role in Role:
                with suppress(*connection.channel_errors), connection.channel() as channel:
                    channel.queue_purge(queue_name(self.app, role))

    def _delete(self) -> None:
        self.purge()
        if not self.url.startswith("redis"):
            with self.app.connection_for_write() as connection:
                for role in Role:
                    with suppress(*connection.channel_errors), connection.channel() as channel:
                        channel.queue_delete(queue_name(self.app, role))
                        channel.exchange_delete(queue_name(self.app, role))
                with suppress(*connection.channel_errors), connection.channel() as channel:
                    channel.exchange_delete(f"{self.prefix}.pidbox")
        self.app.close()


@contextmanager
def open_broker(kind: str, *, server_url: str | None = None) -> Iterator[Broker]:
    """Open queues for one test, and delete them at the end; skip the test when the server is not reachable."""
    server_url = server_url or SERVERS[kind]
    url = urlsplit(server_url)
    needs_server(kind, host=url.hostname or "127.0.0.1", port=url.port or 0)
    prefix = f"test-{token_hex(6)}"
    broker = Broker(url=server_url, prefix=prefix, app=make_app(server_url, prefix=prefix))
    try:
        yield broker
    finally:
        broker._delete()


class CuttableProxy:
    """A TCP proxy in front of a server, which a test can cut; `url` leads through it."""

    def __init__(self, url: str) -> None:
        self._server_url = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.url = ""

    async def cut(self, seconds: float) -> None:
        """Close every connection, and refuse new ones for this long."""
        self.sever()
        await asyncio.sleep(seconds)
        self.restore()

    def sever(self) -> None:
        """Close every connection, and refuse new ones."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def restore(self) -> None:
        """Accept connections again."""
        self._cut = False

    def drop_silently(self) -> None:
        """Forward nothing on existing connections, without closing them; new connections work."""
        self._dead |= self._open

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection(self._server_url.hostname, self._server_url.port)
        writers = {writer, server_writer}
        self._open |= writers
        try:
            await asyncio.gather(self._forward(reader, server_writer), self._forward(server_reader, writer))
        finally:
            self._open -= writers
            self._dead -= writers
            for each in writers:
                each.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                if writer not in self._dead:
                    writer.write(chunk)
                    await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def cuttable_proxy(url: str) -> AsyncIterator[CuttableProxy]:
    """Start a proxy in front of the server that a URL names."""
    proxy = CuttableProxy(url)
    server = await asyncio.start_server(proxy._connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = proxy._server_url._replace(netloc=f"{proxy._server_url.netloc.rpartition(':')[0]}:{port}").geturl()
    try:
        yield proxy
    finally:
        for writer in set(proxy._open):
            writer.transport.abort()
        server.close()
