"""Requests: methods, bodies, URLs, headers, cookies; what comes back while a body is still being sent."""

import asyncio

import pytest
from aiohttp import web

from imageferry.http.base import NoResponseError, Request
from tests.contract.http.conftest import OpenClient, fetch
from tests.servers.http_servers import MIB, serve_http, serve_tcp
from tests.servers.raw_http import serve_raw

BODY = bytes(range(256)) * 4096 * 4  # 4 MiB


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.Response(body=body or BODY, headers={"X-Method": request.method, "X-Type": request.content_type})


async def test_concurrent_requests_each_get_their_own_response(opened: OpenClient) -> None:
    async with serve_http(echo) as url, opened() as client:

        async def send(number: int) -> None:
            body = b"%d" % number * 50_000
            headers = {"Content-Type": f"text/{number}"}
            response = await client.send(Request(url=url, method="PUT", body=body, headers=headers, prefetch_bytes=MIB))
            assert (response.status, response.header("x-method")) == (200, "PUT")
            assert response.header("X-Type") == f"text/{number}"
            assert await response.read(MIB) == body

        await asyncio.gather(*map(send, range(40)))


async def test_a_reused_connection_sends_the_method_and_body_of_each_request(opened: OpenClient) -> None:
    async with serve_http(echo) as url, opened(connections=1) as client:
        for method, body in (("GET", None), ("PUT", b"a"), ("DELETE", None), ("POST", b""), ("GET", None)):
            response = await client.send(Request(url=url, method=method, body=body, prefetch_bytes=len(BODY) + 1))
            assert response.header("X-Method") == method
            assert await response.read(len(BODY)) == (body or BODY)


@pytest.mark.parametrize("body", [bytes(9), bytearray(9), memoryview(bytes(99))[:9]])
async def test_a_body_may_be_any_kind_of_bytes(opened: OpenClient, body: bytes | bytearray | memoryview) -> None:
    async with serve_http(echo) as url, opened() as client:
        response = await client.send(Request(url=url, method="PUT", body=body, prefetch_bytes=MIB))
        assert await response.read(MIB) == bytes(9)


NO_URLS = [
    "", "no url", "ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:1/\n", "http://127.0.0.1:99999/",
    "http://127.0.0.1:0/", "http://a..b/", f"http://{'a' * 64}/", "http://.a/", "http://a b/", "http://user@a/", "http:///",
    "http://a/\x80",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_URLS)
async def test_anything_but_an_http_url_is_refused(opened: OpenClient, url: str) -> None:
    async with opened() as client:
        with pytest.raises(NoResponseError):
            await client.send(Request(url=url, timeout_s=20))


async def test_a_url_without_a_path_requests_the_root(opened: OpenClient) -> None:
    async def echo_target(request: web.Request) -> web.Response:
        return web.Response(text=request.path_qs)

    async with serve_http(echo_target) as url, opened() as client:
        for suffix, target in (("", b"/"), ("?a=/b", b"/?a=/b"), ("#part", b"/"), ("/a?b#part", b"/a?b")):
            assert (await fetch(client, f"{url}{suffix}"))[1] == target


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\0b", "a\x7f", "é"])
async def test_a_header_value_cannot_contain_a_line_break(opened: OpenClient, value: str) -> None:
    async with serve_http(echo) as url, opened() as client:
        with pytest.raises(NoResponseError, match="header"):
            await client.send(Request(url=url, headers={"Content-Type": value}))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", [b"http://169.254.169.254/", b"file:///etc/passwd", b"//other.invalid/", b"/again"]
)
async def test_a_redirect_is_never_followed(opened: OpenClient, status: int, location: bytes) -> None:
    answer = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
    async with serve_raw(answer) as server, opened() as client:
        response, _ = await fetch(client, server.url)
        assert (response.status, response.header("Location")) == (status, location.decode())
        assert len(server.heads) == 1


@pytest.mark.parametrize("keep_cookies", [True, False])
async def test_cookies_are_kept_only_on_request(opened: OpenClient, keep_cookies: bool) -> None:  # noqa: FBT001 - a parameter
    async def set_cookie(request: web.Request) -> web.Response:
        response = web.Response(text=request.cookies.get("form", "none"))
        response.set_cookie("form", "yes")
        return response

    async with serve_http(set_cookie) as url, opened(connections=2, keep_cookies=keep_cookies) as client:
        # Two connections first, then each is reused.
        await asyncio.gather(*(client.send(Request(url=url)) for _ in range(2)))
        for _ in range(2):
            assert (await fetch(client, url))[1] == (b"yes" if keep_cookies else b"none")


@pytest.mark.parametrize(
    "cookie",
    [
        b"a=\xe9",
        b"a=" + b"b" * 9000,
        b"=",
        b"a=b; Expires=never",
        b"a=b; Domain=com",
        b"\xff" * 9000,
        *[b"\r\nSet-Cookie: ".join(b"a%d=b" % n for n in range(999))],
    ],
)
async def test_an_odd_cookie_breaks_no_later_request(opened: OpenClient, cookie: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: %s\r\nContent-Length: 0\r\n\r\n" % cookie
    async with serve_raw(answer) as server, opened(keep_cookies=True) as client:
        await fetch(client, server.url)
        assert (await fetch(client, server.url))[1] == b"again"
        assert len(server.heads[1]) < 1000


async def test_a_response_sent_before_the_body_was_read_is_received(opened: OpenClient) -> None:
    async def answer_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readuntil(b"\r\n\r\n")).startswith(b"PUT /refused "):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            await writer.drain()
            await asyncio.sleep(0.1)  # so that the response is read before the connection is reset
        writer.transport.abort()

    async with serve_tcp(answer_early) as url, opened() as client:
        for _ in range(3):  # never over a connection on which half a body was sent
            refused = await client.send(Request(url=f"{url}/refused", method="PUT", body=BODY * 4, prefetch_bytes=2))
            assert (refused.status, await refused.read(2)) == (403, b"no")
        for _ in range(3):
            with pytest.raises(NoResponseError) as raised:
                await client.send(Request(url=f"{url}/cut", method="PUT", body=BODY * 4, timeout_s=20))
            assert not raised.value.timed_out
