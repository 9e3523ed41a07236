"""Connections: how many, when one is reused, what a timeout or a cancellation leaves behind."""

import asyncio
import random

import pytest
from aiohttp import web

from imageferry.http.base import HttpError, IncompleteResponseError, NoResponseError, Request
from tests.contract.http.conftest import OpenClient, fetch
from tests.servers.http_servers import serve_http, serve_tcp
from tests.servers.raw_http import AGAIN, serve_raw

BODY = bytes(range(256)) * 4096 * 4  # 4 MiB


async def big(_: web.Request) -> web.Response:
    return web.Response(body=BODY)


async def test_a_slowly_read_body_is_buffered_in_part_and_comes_whole(opened: OpenClient) -> None:
    pieces, sent = [bytes([number]) * 100_000 for number in range(200)], 0

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            sent += 1

    async with serve_tcp(send) as url, opened() as client:
        response = await client.send(Request(url=url, prefetch_bytes=64 * 1024))
        await asyncio.sleep(0.3)
        assert sent < 150  # what the kernel holds, not all of it
        for piece in pieces:
            assert await response.read(100_000) == piece
        assert await response.read(1) == b""


async def test_a_request_beyond_the_connections_waits_while_its_timeout_runs(opened: OpenClient) -> None:
    may_answer = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await may_answer.wait()
        return web.Response(text="late")

    async with serve_http(slow) as url, opened(connections=1) as client:
        first = asyncio.create_task(client.send(Request(url=url, timeout_s=30)))
        await asyncio.sleep(0.05)
        with pytest.raises(NoResponseError, match="connection") as raised:
            await client.send(Request(url=url, timeout_s=0.1))
        assert raised.value.timed_out
        may_answer.set()
        assert await (await first).read(10) == b"late"
        assert (await client.send(Request(url=url, timeout_s=30))).status == 200


async def test_there_are_never_more_connections_than_allowed(opened: OpenClient) -> None:
    connected = connected_max = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected, connected_max
        connected += 1
        connected_max = max(connected, connected_max)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.01)
                writer.write(AGAIN)
        except asyncio.IncompleteReadError:
            pass
        finally:
            connected -= 1

    async with serve_tcp(count) as one, serve_tcp(count) as other, opened(connections=3) as client:
        bodies = await asyncio.gather(*(fetch(client, one if number % 2 else other) for number in range(20)))
        assert {body for _, body in bodies} == {b"again"}
    assert connected_max <= 3


SLOW = {
    "a stall in the head": b"HTTP/1.1 200 OK\r\n",
    "a stall after 100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a stall in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345",
    "a stall in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12345",
    "a stall in a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX: ",
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("limit", [{"timeout_s": 0.2}, {"prefetch_timeout_s": 0.2}, {"stall_s": 0.2}])
async def test_every_wait_has_a_timeout(opened: OpenClient, answer: bytes, limit: dict[str, float]) -> None:
    async with serve_raw(answer) as server, opened(connections=1) as client:
        with pytest.raises((NoResponseError, IncompleteResponseError)) as raised:
            await client.send(Request(url=server.url, prefetch_bytes=10, **limit))  # type: ignore[arg-type]
        assert raised.value.timed_out
        assert (await fetch(client, server.url))[1] == b"again"


DRIPS = {
    "a head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10_000,
    "interim responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 500,
    "a chunk extension": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;" + b"a" * 10_000,
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 2000,
    "a body": b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"a" * 9000,
}


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
async def test_a_response_that_drips_ends_with_its_timeout(opened: OpenClient, answer: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for at in range(len(answer)):
            writer.write(answer[at : at + 1])
            await asyncio.sleep(0.002)

    async with serve_tcp(drip) as url, opened() as client:
        with pytest.raises(HttpError) as raised:
            await client.send(Request(url=url, timeout_s=0.4))
        assert raised.value.timed_out


async def test_a_stall_while_the_caller_reads_has_a_timeout(opened: OpenClient) -> None:
    async with serve_raw(SLOW["a stall in the body"]) as server, opened() as client:
        response = await client.send(Request(url=server.url, prefetch_bytes=5, stall_s=0.2))
        with pytest.raises(IncompleteResponseError, match="no byte"):
            await response.read(6)


async def test_a_cancelled_request_frees_its_connection_and_leaves_nothing_on_it(opened: OpenClient) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serve_http(never) as url, opened(connections=1) as client:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(Request(url=url))

    async with (
        serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as server,
        opened(connections=1) as client,
    ):
        response = await client.send(Request(url=server.url, prefetch_bytes=4))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await response.read(9)
        response.close()
        assert (await fetch(client, server.url))[1] == b"again"
        assert server.connections == 2


async def test_whatever_is_cancelled_or_closed_no_response_answers_another_request(
    opened: OpenClient, rng: random.Random
) -> None:
    async def echo_path(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={} if rng.random() < 0.5 else {"Content-Length": "40000"})
        await response.prepare(request)
        for _ in range(4):
            await asyncio.sleep(rng.random() * 0.01)
            await response.write(request.path.encode().ljust(10_000))
        return response

    async def send(number: int) -> None:
        async with asyncio.timeout(rng.choice([0.01, 0.02, 0.04, 20])):
            response = await client.send(Request(url=f"{url}/{number}", prefetch_bytes=rng.choice([0, 5000, 50_000])))
            try:
                size_bytes = rng.choice([1, 15_000, 50_000])
                assert await response.read(size_bytes) == ((b"/%d" % number).ljust(10_000) * 4)[:size_bytes]
            finally:
                response.close()

    async with serve_http(echo_path) as url, opened(connections=4) as client:
        results = await asyncio.gather(*map(send, range(200)), return_exceptions=True)
        assert {type(result) for result in results} == {type(None), TimeoutError}
        for number in range(8):  # the connections that are left
            _, body = await fetch(client, f"{url}/last-{number}")
            assert body == (b"/last-%d" % number).ljust(10_000) * 4


async def test_a_response_that_is_closed_before_its_end_costs_its_connection(opened: OpenClient) -> None:
    async with serve_http(big) as url, opened(connections=1) as client:
        for _ in range(3):
            response = await client.send(Request(url=url, prefetch_bytes=1000))
            assert await response.read(1000) == BODY[:1000]
            response.close()
            response.close()


async def test_closing_a_response_wakes_whoever_reads_it(opened: OpenClient) -> None:
    async with serve_raw(SLOW["a stall in the body"]) as server, opened() as client:
        response = await client.send(Request(url=server.url, prefetch_bytes=5))
        reading = asyncio.create_task(response.read(9))
        await asyncio.sleep(0.05)
        response.close()
        with pytest.raises(IncompleteResponseError, match="closed"):
            await asyncio.wait_for(reading, 20)


async def test_closing_the_client_breaks_off_responses_in_progress(opened: OpenClient) -> None:
    async with serve_http(big) as url, opened(connections=2) as client:
        response = await client.send(Request(url=url, prefetch_bytes=1000))
        await client.close()
        await client.close()
        with pytest.raises(IncompleteResponseError, match="closed"):
            await response.read(len(BODY))


async def test_a_connection_made_after_the_client_was_closed_is_closed(opened: OpenClient) -> None:
    async with serve_http(big) as url, opened(connections=1) as client:
        sending = asyncio.create_task(client.send(Request(url=url)))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(NoResponseError, match="closed"):
            await sending


async def test_an_idle_connection_that_the_server_closed_is_replaced(opened: OpenClient) -> None:
    async with serve_raw(AGAIN, closes=True) as server, opened(connections=1) as client:
        for method in ("GET", "POST"):
            assert (await fetch(client, server.url, method=method))[1] == b"again"
            await asyncio.sleep(0.05)
    assert server.connections == 2


async def test_a_request_is_sent_again_once_and_only_when_that_is_safe(opened: OpenClient) -> None:
    requests: list[bytes] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).split()[0])
        if b"/never" not in requests:
            writer.write(AGAIN)
            requests.append((await reader.readuntil(b"\r\n\r\n")).split()[0])  # it gets no response

    async with serve_tcp(answer_once) as url, opened(connections=1) as client:
        for method in ("GET", "PUT", "GET"):
            assert (await fetch(client, url, method=method))[1] == b"again"
        assert requests == [b"GET", b"PUT", b"PUT", b"GET", b"GET"]
        with pytest.raises(NoResponseError):
            await fetch(client, url, method="POST")
        assert requests[5:] == [b"POST"]


async def test_a_request_that_kills_every_connection_is_sent_twice_at_most(opened: OpenClient) -> None:
    heads = 0

    async def answer_first_ones(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heads
        while not (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /deadly "):
            await asyncio.sleep(0.05)
            writer.write(AGAIN)
        heads += bool(head)

    async with serve_tcp(answer_first_ones) as url, opened(connections=4) as client:
        await asyncio.gather(*(fetch(client, url) for _ in range(4)))
        with pytest.raises(NoResponseError):
            await fetch(client, f"{url}/deadly")
    assert heads == 2


async def test_bytes_that_nothing_asked_for_begin_no_later_response(opened: OpenClient) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(AGAIN)
            await asyncio.sleep(0.02)  # the response has been read
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")

    async with serve_tcp(talk) as url, opened(connections=1) as client:
        for pause_s in (0.1, 0.1):
            assert (await fetch(client, url))[1] == b"again"
            await asyncio.sleep(pause_s)
        assert (await fetch(client, url))[1] == b"again"
