"""HTTP: bodies of any size, bounds of every kind, and nothing left behind."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from imageferry.http import client as client_module
from imageferry.http.client import Client
from imageferry.http.poller import SelectedSockets
from imageferry.http.request import BrokenError, Request, UnansweredError
from tests.servers.http_servers import MIB, served, spoken
from tests.servers.loopback import Authority, ConnectProxy

BODY = bytes(range(256)) * 4096 * 4  # 4 MiB


@asynccontextmanager
async def opened(*, connections: int = 4, keep_cookies: bool = False) -> AsyncIterator[Client]:
    client = Client(connections=connections, connect_timeout_s=2, keep_cookies=keep_cookies)
    yield client
    await client.close()


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    told = {"X-Method": request.method, "X-Type": request.headers.get("Content-Type", ""), "X-Twice": "first"}
    return web.Response(body=body or BODY, headers=told)


@pytest.fixture(params=["epoll", "selectors"])
def sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to watch sockets; epoll is Linux's alone."""
    if request.param == "selectors":
        monkeypatch.setattr(client_module, "open_sockets", SelectedSockets)
    elif sys.platform != "linux":
        pytest.skip("there is no epoll here")


@pytest.mark.usefixtures("sockets")
async def test_many_requests_at_once_each_get_their_own_answer() -> None:
    async with served(echo) as url, opened() as client:

        async def ask(number: int) -> None:
            body = b"%d" % number * 50_000
            headers = {"Content-Type": f"text/{number}"}
            answer = await client.send(Request(url=url, method="PUT", body=body, headers=headers, ahead_bytes=MIB))
            assert (answer.status, answer.header("x-method"), answer.header("X-Type")) == (200, "PUT", f"text/{number}")
            assert answer.header("X-Not-There") is None
            assert await answer.read(MIB) == body

        await asyncio.gather(*map(ask, range(40)))


@pytest.mark.usefixtures("sockets")
async def test_a_body_that_is_read_slowly_is_held_in_part_and_comes_whole() -> None:
    async with served(echo) as url, opened() as client:
        answer = await client.send(Request(url=url, ahead_bytes=64 * 1024))
        read = bytearray()
        while chunk := await answer.read(100_000):
            assert len(chunk) == 100_000 or len(read) + len(chunk) == len(BODY)
            read += chunk
            await asyncio.sleep(0.002)
            assert answer._held_bytes < MIB  # and not what is left of four
        assert read == BODY


async def test_a_method_is_not_taken_over_from_the_request_before() -> None:
    async with served(echo) as url, opened(connections=1) as client:
        for method, body in (("GET", None), ("PUT", b"a"), ("DELETE", None), ("POST", b""), ("GET", None)):
            answer = await client.send(Request(url=url, method=method, body=body, ahead_bytes=len(BODY) + 1))
            assert answer.header("X-Method") == method
            assert await answer.read(len(BODY)) == (body or BODY)


async def test_a_request_beyond_the_connections_waits_and_its_time_runs() -> None:
    let_go = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await let_go.wait()
        return web.Response(text="late")

    async with served(slow) as url, opened(connections=1) as client:
        first = asyncio.create_task(client.send(Request(url=url, timeout_s=30)))
        await asyncio.sleep(0.05)
        with pytest.raises(UnansweredError, match="connection") as raised:
            await client.send(Request(url=url, timeout_s=0.1))
        assert raised.value.timed_out
        let_go.set()
        assert await (await first).read(10) == b"late"
        assert (await client.send(Request(url=url, timeout_s=30))).status == 200


async def test_time_is_bounded_for_all_for_the_beginning_and_for_each_byte() -> None:
    async def stuck(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"12345")
        await asyncio.sleep(30)
        return response

    async with served(stuck) as url, opened(connections=1) as client:
        for bounded in (
            Request(url=url, ahead_bytes=10, timeout_s=0.2),
            Request(url=url, ahead_bytes=10, begin_s=0.2),
            Request(url=url, ahead_bytes=10, stall_s=0.2),
        ):
            with pytest.raises((UnansweredError, BrokenError)) as raised:
                await client.send(bounded)
            assert raised.value.timed_out, bounded
        answer = await client.send(Request(url=url, ahead_bytes=5, stall_s=0.2))
        with pytest.raises(BrokenError, match="No byte"):
            await answer.read(6)


async def test_what_breaks_off_is_told_from_what_was_never_answered() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if b"/half" in asked:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234")
        if b"/rubbish" in asked:
            writer.write(b"\0" * 100)
        await writer.drain()
        writer.close()

    async with spoken(broken) as url, opened() as client:
        with pytest.raises(BrokenError):
            await client.send(Request(url=f"{url}/half", ahead_bytes=9))
        for path in ("/nothing", "/rubbish"):
            with pytest.raises(UnansweredError):
                await client.send(Request(url=f"{url}{path}"))
        half = await client.send(Request(url=f"{url}/half", ahead_bytes=4))
        assert (half.status, half.header("Content-Length")) == (200, "9")
        with pytest.raises(BrokenError):
            await half.read(9)


@pytest.mark.parametrize("url", ["", "no url", "ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:1/\n"])
async def test_what_is_no_address_of_the_web_is_not_asked(url: str) -> None:
    async with opened() as client:
        with pytest.raises(UnansweredError):
            await client.send(Request(url=url))


async def test_what_is_asked_need_not_begin_with_a_slash() -> None:
    async def told(request: web.Request) -> web.Response:
        return web.Response(text=request.path_qs)

    async with served(told) as url, opened() as client:
        for written, asked in (("", b"/"), ("?a=/b", b"/?a=/b"), ("#part", b"/"), ("/a?b#part", b"/a?b")):
            answer = await client.send(Request(url=f"{url}{written}", ahead_bytes=100))
            assert await answer.read(100) == asked


async def test_who_stops_waiting_leaves_its_place_to_others() -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with served(never) as url, opened(connections=1) as client:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(Request(url=url))


async def test_what_is_under_way_breaks_off_when_the_client_is_closed() -> None:
    async with served(echo) as url:
        client = Client(connections=2, connect_timeout_s=2)
        answer = await client.send(Request(url=url, ahead_bytes=1000))
        await client.close()
        await client.close()
        with pytest.raises(BrokenError, match="closed"):
            await answer.read(len(BODY))


async def test_a_server_that_hears_enough_is_heard_or_told_at_once() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readuntil(b"\r\n\r\n")).startswith(b"PUT /refused "):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            await writer.drain()
            await asyncio.sleep(0.1)  # so that it is read before the line is cut
        writer.transport.abort()

    async with spoken(hangs_up) as url, opened() as client:
        refused = await client.send(Request(url=f"{url}/refused", method="PUT", body=BODY * 4, ahead_bytes=2))
        assert (refused.status, await refused.read(2)) == (403, b"no")
        for _ in range(3):
            with pytest.raises(UnansweredError) as raised:
                await client.send(Request(url=f"{url}/cut", method="PUT", body=BODY * 4, timeout_s=20))
            assert not raised.value.timed_out


async def test_who_is_connected_when_the_client_is_closed_already_hangs_up() -> None:
    async with served(echo) as url:
        client = Client(connections=1, connect_timeout_s=2)
        asking = asyncio.create_task(client.send(Request(url=url)))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(UnansweredError, match="closed"):
            await asking


@pytest.mark.parametrize("keep_cookies", [True, False])
async def test_cookies_are_kept_where_they_are_wanted(keep_cookies: bool) -> None:  # noqa: FBT001 - a parameter
    async def biscuits(request: web.Request) -> web.Response:
        response = web.Response(text=request.cookies.get("form", "none"))
        response.set_cookie("form", "yes")
        return response

    async with served(biscuits) as url, opened(connections=2, keep_cookies=keep_cookies) as client:
        # At once, so that each has a handle of its own, and then again.
        await asyncio.gather(*(client.send(Request(url=url)) for _ in range(2)))
        for _ in range(2):
            answer = await client.send(Request(url=url))
            assert await answer.read(10) == (b"yes" if keep_cookies else b"none")


async def test_a_connection_that_was_closed_meanwhile_is_replaced_by_a_new_one() -> None:
    talks = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal talks
        talks += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(1)  # the next request, which is not answered
        writer.close()

    async with spoken(once) as url, opened(connections=1) as client:
        for method in ("GET", "PUT", "GET"):
            assert await (await client.send(Request(url=url, method=method, ahead_bytes=2))).read(2) == b"ok"
        with pytest.raises(UnansweredError):  # what may not be done twice is not asked twice
            await client.send(Request(url=url, method="POST", body=b"once"))
    assert talks == 3


async def test_a_body_ends_as_its_head_says() -> None:
    answers = {
        "length": b"Content-Length: 4\r\n\r\nbody",
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\n",
        "close": b"\r\nbody",
    }

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        kind = asked.split()[1].decode().strip("/")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for at in range(len(answers[kind])):
            writer.write(answers[kind][at : at + 1])
            await writer.drain()
        writer.close()

    async with spoken(talk) as url, opened() as client:
        for kind in answers:
            answer = await client.send(Request(url=f"{url}/{kind}", ahead_bytes=100))
            assert await answer.read(100) == b"body", kind
            assert await answer.read(100) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nX-Endless: " + b"a" * 300_000,
    ],
)
async def test_an_answer_that_two_readers_could_read_in_two_ways_is_none(head: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"ab")
        await reader.read()
        writer.close()

    async with spoken(talk) as url, opened() as client:
        with pytest.raises((UnansweredError, BrokenError)) as raised:
            await client.send(Request(url=url, ahead_bytes=10, timeout_s=20))
        assert not raised.value.timed_out


async def test_no_header_can_be_smuggled_into_another() -> None:
    async with served(echo) as url, opened() as client:
        with pytest.raises(UnansweredError, match="header"):
            await client.send(Request(url=url, headers={"Content-Type": "a\r\nX-Other: b"}))


async def test_a_proxy_passes_on_what_is_asked_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with spoken(proxy) as url, opened() as client:
        monkeypatch.setenv("http_proxy", url.replace("//", "//user:pass@"))
        monkeypatch.setenv("no_proxy", "here.invalid")
        assert await (await client.send(Request(url="http://store.invalid/a?b", ahead_bytes=2))).read(2) == b"ok"
        with pytest.raises(UnansweredError):
            await client.send(Request(url="http://here.invalid/"))
        monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
        with pytest.raises(UnansweredError, match="proxy"):
            await client.send(Request(url="http://other.invalid/"))
    assert asked[0].startswith(b"GET http://store.invalid/a?b HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in asked[0]


async def test_what_is_secret_goes_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with served(echo, tls=authority.context()) as inner, opened() as client:
        async with ConnectProxy(port=int(inner.rpartition(":")[2])) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "")
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
            request = Request(url="https://drive.google.com/a", method="PUT", body=BODY, ahead_bytes=len(BODY))
            assert await (await client.send(request)).read(len(BODY)) == BODY
            await client.close()
        assert proxy.hosts == {"drive.google.com"}
