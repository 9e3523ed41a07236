"""Limits for clients that are slow, never finish, or don't speak HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from imageferry.gateway.protocol.connection_limits import HEADERS_BYTES_MAX, LimitedHttpProtocol
from imageferry.gateway.security.request_bodies import RequestBodyMiddleware

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ImpatientProtocol(LimitedHttpProtocol):
    headers_timeout_s = 0.3
    stall_timeout_s = 0.3


async def respond_done(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def flood(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})


@asynccontextmanager
async def serving(app: object = respond_done) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """Yield a function that connects to a server with short timeouts."""
    config, state = uvicorn.Config(app, lifespan="off", log_config=None), ServerState()  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ImpatientProtocol(config, state, {}), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()

    async def connect() -> Client:
        return await asyncio.open_connection(host, port, limit=2**20)

    try:
        yield connect
    finally:
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def exchange(client: Client, *requests: bytes) -> bytes:
    """Send requests; return all that the server sends until it closes the connection."""
    reader, writer = client
    for request in requests:
        writer.write(request)
    received = await reader.read()
    writer.close()
    return received


async def test_several_requests_on_one_connection_are_answered() -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serving() as connect:
        received = await exchange(await connect(), request, request, request[:-2] + b"Connection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 OK") == 3


async def test_a_client_that_sends_nothing_is_disconnected() -> None:
    async with serving() as connect:
        assert b" 408 " in await exchange(await connect())


async def test_a_client_whose_headers_never_end_is_disconnected() -> None:
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(2):
            await asyncio.sleep(0.1)
            writer.write(b"X-Slow: 1\r\n")
        assert b"application/problem+json" in await reader.read()
        writer.close()


async def test_a_second_request_has_its_own_timeout() -> None:
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"done")
        writer.write(b"GET / HT")
        assert b" 408 " in await reader.read()
        writer.close()


async def test_headers_that_are_too_large_are_rejected() -> None:
    async with serving() as connect:
        received = await exchange(await connect(), b"GET / HTTP/1.1\r\nX: ", b"x" * (HEADERS_BYTES_MAX + 1))
    assert b" 431 " in received


async def test_headers_and_urls_that_are_too_large_are_rejected_when_they_arrive_at_once() -> None:
    many = b"".join(b"X-%d: %s\r\n" % (number, bytes(b"x" * 1000)) for number in range(66))
    async with serving() as connect:
        for request in (b"GET / HTTP/1.1\r\n" + many, b"GET /%s HTTP/1.1\r\n" % (b"x" * (HEADERS_BYTES_MAX + 1))):
            assert b" 431 " in await exchange(await connect(), request + b"Host: localhost\r\n\r\n")


async def test_bodies_do_not_count_as_headers() -> None:
    body = bytes(200_000)
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving() as connect:
        reader, writer = await connect()
        # The third request starts in the same packet as the second one ends.
        writer.write(request + request + b"GET / HTTP/1.1\r\n")
        for _ in range(2):
            assert b" 200 " in await reader.readuntil(b"done")
        writer.write(b"Host: localhost\r\nConnection: close\r\n\r\n")
        assert b" 200 " in await reader.read()
        writer.close()


async def test_data_that_is_not_http_is_answered_with_a_problem() -> None:
    async with serving() as connect:
        received = await exchange(await connect(), b"\x16\x03\x01 hello\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in received


async def test_a_body_that_does_not_arrive_is_rejected() -> None:
    async with serving(RequestBodyMiddleware(respond_done, timeout_s=0.3)) as connect:
        received = await exchange(await connect(), b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
    assert b" 408 " in received


async def test_a_client_that_reads_nothing_is_disconnected() -> None:
    async with serving(flood) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(1.5)
        received = 0
        with suppress(ConnectionResetError):
            while chunk := await reader.read(2**20):
                received += len(chunk)
        assert received < 100_000_000
        writer.close()
