"""The HTTP client: bodies of any size, timeouts of every kind, broken servers, proxies."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from imageferry.http.client import Client
from imageferry.http.poller import EpollPoller, Poller, SelectorPoller, create_poller
from imageferry.http.request import IncompleteResponseError, NoResponseError, Request
from tests.servers.http_servers import MIB, serve_http, serve_tcp
from tests.servers.loopback import CertificateAuthority, ConnectProxy

BODY = bytes(range(256)) * 4096 * 4  # 4 MiB


@asynccontextmanager
async def opened(
    *, connections: int = 4, keep_cookies: bool = False, poller_factory: Callable[[], Poller] = create_poller
) -> AsyncIterator[Client]:
    client = Client(
        connections=connections, connect_timeout_s=2, keep_cookies=keep_cookies, poller_factory=poller_factory
    )
    yield client
    await client.close()


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    headers = {"X-Method": request.method, "X-Type": request.headers.get("Content-Type", ""), "X-Twice": "first"}
    return web.Response(body=body or BODY, headers=headers)


@pytest.fixture(params=[EpollPoller, SelectorPoller])
def poller_factory(request: pytest.FixtureRequest) -> Callable[[], Poller]:
    """Both pollers; only Linux has epoll."""
    if request.param is EpollPoller and sys.platform != "linux":
        pytest.skip("epoll needs Linux")
    factory: Callable[[], Poller] = request.param
    return factory


async def test_concurrent_requests_each_get_their_own_response(poller_factory: Callable[[], Poller]) -> None:
    async with serve_http(echo) as url, opened(poller_factory=poller_factory) as client:

        async def send(number: int) -> None:
            body = b"%d" % number * 50_000
            headers = {"Content-Type": f"text/{number}"}
            response = await client.send(Request(url=url, method="PUT", body=body, headers=headers, prefetch_bytes=MIB))
            assert (response.status, response.header("x-method"), response.header("X-Type")) == (
                200,
                "PUT",
                f"text/{number}",
            )
            assert response.header("X-Not-There") is None
            assert await response.read(MIB) == body

        await asyncio.gather(*map(send, range(40)))


async def test_a_slowly_read_body_is_buffered_in_part_and_comes_whole(poller_factory: Callable[[], Poller]) -> None:
    async with serve_http(echo) as url, opened(poller_factory=poller_factory) as client:
        response = await client.send(Request(url=url, prefetch_bytes=64 * 1024))
        read = bytearray()
        while chunk := await response.read(100_000):
            assert len(chunk) == 100_000 or len(read) + len(chunk) == len(BODY)
            read += chunk
            await asyncio.sleep(0.002)
            assert response._buffered_bytes < MIB  # not all that is left of the 4 MiB
        assert read == BODY


async def test_a_reused_connection_sends_the_method_and_body_of_each_request() -> None:
    async with serve_http(echo) as url, opened(connections=1) as client:
        for method, body in (("GET", None), ("PUT", b"a"), ("DELETE", None), ("POST", b""), ("GET", None)):
            response = await client.send(Request(url=url, method=method, body=body, prefetch_bytes=len(BODY) + 1))
            assert response.header("X-Method") == method
            assert await response.read(len(BODY)) == (body or BODY)


async def test_a_request_beyond_the_connections_waits_while_its_timeout_runs() -> None:
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


async def test_the_whole_response_its_prefetch_and_each_byte_have_timeouts() -> None:
    async def stuck(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"12345")
        await asyncio.sleep(30)
        return response

    async with serve_http(stuck) as url, opened(connections=1) as client:
        for request in (
            Request(url=url, prefetch_bytes=10, timeout_s=0.2),
            Request(url=url, prefetch_bytes=10, prefetch_timeout_s=0.2),
            Request(url=url, prefetch_bytes=10, stall_s=0.2),
        ):
            with pytest.raises((NoResponseError, IncompleteResponseError)) as raised:
                await client.send(request)
            assert raised.value.timed_out, request
        response = await client.send(Request(url=url, prefetch_bytes=5, stall_s=0.2))
        with pytest.raises(IncompleteResponseError, match="No byte"):
            await response.read(6)


async def test_a_response_that_breaks_off_is_distinguished_from_no_response() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/half" in head:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234")
        if b"/rubbish" in head:
            writer.write(b"\0" * 100)
        await writer.drain()
        writer.close()

    async with serve_tcp(broken) as url, opened() as client:
        with pytest.raises(IncompleteResponseError):
            await client.send(Request(url=f"{url}/half", prefetch_bytes=9))
        for path in ("/nothing", "/rubbish"):
            with pytest.raises(NoResponseError):
                await client.send(Request(url=f"{url}{path}"))
        half = await client.send(Request(url=f"{url}/half", prefetch_bytes=4))
        assert (half.status, half.header("Content-Length")) == (200, "9")
        with pytest.raises(IncompleteResponseError):
            await half.read(9)


@pytest.mark.parametrize("url", ["", "no url", "ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:1/\n"])
async def test_anything_but_an_http_url_is_rejected(url: str) -> None:
    async with opened() as client:
        with pytest.raises(NoResponseError):
            await client.send(Request(url=url))


async def test_a_url_without_a_path_requests_the_root() -> None:
    async def echo_target(request: web.Request) -> web.Response:
        return web.Response(text=request.path_qs)

    async with serve_http(echo_target) as url, opened() as client:
        for suffix, target in (("", b"/"), ("?a=/b", b"/?a=/b"), ("#part", b"/"), ("/a?b#part", b"/a?b")):
            response = await client.send(Request(url=f"{url}{suffix}", prefetch_bytes=100))
            assert await response.read(100) == target


async def test_a_cancelled_request_frees_its_connection() -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serve_http(never) as url, opened(connections=1) as client:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(Request(url=url))


async def test_closing_the_client_breaks_off_responses_in_progress() -> None:
    async with serve_http(echo) as url:
        client = Client(connections=2, connect_timeout_s=2)
        response = await client.send(Request(url=url, prefetch_bytes=1000))
        await client.close()
        await client.close()
        with pytest.raises(IncompleteResponseError, match="closed"):
            await response.read(len(BODY))


async def test_a_response_sent_before_the_body_was_read_is_received() -> None:
    async def answer_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readuntil(b"\r\n\r\n")).startswith(b"PUT /refused "):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            await writer.drain()
            await asyncio.sleep(0.1)  # so that the response is read before the connection is reset
        writer.transport.abort()

    async with serve_tcp(answer_early) as url, opened() as client:
        refused = await client.send(Request(url=f"{url}/refused", method="PUT", body=BODY * 4, prefetch_bytes=2))
        assert (refused.status, await refused.read(2)) == (403, b"no")
        for _ in range(3):
            with pytest.raises(NoResponseError) as raised:
                await client.send(Request(url=f"{url}/cut", method="PUT", body=BODY * 4, timeout_s=20))
            assert not raised.value.timed_out


async def test_a_connection_made_after_the_client_was_closed_is_closed() -> None:
    async with serve_http(echo) as url:
        client = Client(connections=1, connect_timeout_s=2)
        sending = asyncio.create_task(client.send(Request(url=url)))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(NoResponseError, match="closed"):
            await sending


@pytest.mark.parametrize("keep_cookies", [True, False])
async def test_cookies_are_kept_only_on_request(keep_cookies: bool) -> None:  # noqa: FBT001 - a parameter
    async def set_cookie(request: web.Request) -> web.Response:
        response = web.Response(text=request.cookies.get("form", "none"))
        response.set_cookie("form", "yes")
        return response

    async with serve_http(set_cookie) as url, opened(connections=2, keep_cookies=keep_cookies) as client:
        # Two connections first, then each is reused.
        await asyncio.gather(*(client.send(Request(url=url)) for _ in range(2)))
        for _ in range(2):
            response = await client.send(Request(url=url))
            assert await response.read(10) == (b"yes" if keep_cookies else b"none")


async def test_an_idle_connection_that_the_server_closed_is_replaced() -> None:
    connections = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read(1)  # the start of the next request, which gets no response
        writer.close()

    async with serve_tcp(answer_once) as url, opened(connections=1) as client:
        for method in ("GET", "PUT", "GET"):
            assert await (await client.send(Request(url=url, method=method, prefetch_bytes=2))).read(2) == b"ok"
        with pytest.raises(NoResponseError):  # a POST is never sent twice
            await client.send(Request(url=url, method="POST", body=b"once"))
    assert connections == 3


async def test_a_body_ends_by_length_by_chunks_or_with_the_connection() -> None:
    responses = {
        "length": b"Content-Length: 4\r\n\r\nbody",
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\n",
        "close": b"\r\nbody",
    }

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        kind = head.split()[1].decode().strip("/")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for at in range(len(responses[kind])):
            writer.write(responses[kind][at : at + 1])
            await writer.drain()
        writer.close()

    async with serve_tcp(talk) as url, opened() as client:
        for kind in responses:
            response = await client.send(Request(url=f"{url}/{kind}", prefetch_bytes=100))
            assert await response.read(100) == b"body", kind
            assert await response.read(100) == b""


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
async def test_an_ambiguous_response_is_rejected(head: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"ab")
        await reader.read()
        writer.close()

    async with serve_tcp(talk) as url, opened() as client:
        with pytest.raises((NoResponseError, IncompleteResponseError)) as raised:
            await client.send(Request(url=url, prefetch_bytes=10, timeout_s=20))
        assert not raised.value.timed_out


async def test_a_header_value_cannot_contain_a_line_break() -> None:
    async with serve_http(echo) as url, opened() as client:
        with pytest.raises(NoResponseError, match="header"):
            await client.send(Request(url=url, headers={"Content-Type": "a\r\nX-Other: b"}))


async def test_plain_http_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async with serve_tcp(proxy) as url, opened() as client:
        monkeypatch.setenv("http_proxy", url.replace("//", "//user:pass@"))
        monkeypatch.setenv("no_proxy", "here.invalid")
        assert await (await client.send(Request(url="http://store.invalid/a?b", prefetch_bytes=2))).read(2) == b"ok"
        with pytest.raises(NoResponseError):
            await client.send(Request(url="http://here.invalid/"))
        monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
        with pytest.raises(NoResponseError, match="proxy"):
            await client.send(Request(url="http://other.invalid/"))
    assert heads[0].startswith(b"GET http://store.invalid/a?b HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in heads[0]


async def test_https_goes_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    async with serve_http(echo, tls=authority.server_context()) as inner, opened() as client:
        async with ConnectProxy(port=int(inner.rpartition(":")[2])) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "")
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
            request = Request(url="https://drive.google.com/a", method="PUT", body=BODY, prefetch_bytes=len(BODY))
            assert await (await client.send(request)).read(len(BODY)) == BODY
            await client.close()
        assert proxy.hosts == {"drive.google.com"}
