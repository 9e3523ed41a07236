"""Proxies of the environment, and TLS: what is trusted, what is refused and why."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from imageferry.http.base import ConnectError, IncompleteResponseError, NoResponseError, Request
from tests.contract.http.conftest import OpenClient, fetch
from tests.servers.http_servers import serve_http, serve_tcp
from tests.servers.loopback import CertificateAuthority, ConnectProxy
from tests.servers.raw_http import serve_raw

BODY = bytes(range(256)) * 4096 * 4  # 4 MiB


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def test_plain_http_goes_through_the_proxy_of_the_environment(
    opened: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_https_goes_through_a_tunnel(opened: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "requires a login"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100_000, "valid"),
        (b"rubbish\r\n\r\n", "CONNECT"),
        (b"", "valid"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_named(
    opened: OpenClient, monkeypatch: pytest.MonkeyPatch, answer: bytes, sentence: str
) -> None:
    async with serve_raw(answer, closes=True) as proxy, opened() as client:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(ConnectError, match=sentence):
            await client.send(Request(url="https://drive.google.com/a", timeout_s=20))


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "socks5://127.0.0.1:1", "http://a..b", "rubbish:/"])
async def test_a_proxy_that_is_none_is_refused(opened: OpenClient, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("https_proxy", url)
    monkeypatch.setenv("no_proxy", "")
    async with opened() as client:
        with pytest.raises(NoResponseError):
            await client.send(Request(url="https://drive.google.com/a", timeout_s=20))


NOW = datetime.now(UTC)
REFUSED = {
    "an unknown authority": (None, None, "127.0.0.1", False, "SSL_CERT_FILE"),
    "an expired certificate": (NOW - timedelta(days=9), NOW - timedelta(days=1), "127.0.0.1", True, "has expired"),
    "a certificate of the future": (NOW + timedelta(days=1), None, "127.0.0.1", True, "not valid yet"),
    "another name": (None, None, "store.example", True, "other names"),
    "another address": (None, None, "127.0.0.2", True, "other names"),
}


@pytest.mark.parametrize(("not_before", "not_after", "name", "is_trusted", "sentence"), REFUSED.values(), ids=REFUSED)
async def test_a_certificate_is_refused_with_the_reason(  # noqa: PLR0917 - parameters
    opened: OpenClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    not_before: datetime | None,
    not_after: datetime | None,
    name: str,
    is_trusted: bool,  # noqa: FBT001 - a parameter
    sentence: str,
) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, not_before=not_before, not_after=not_after).configure_cert(context)
    (authority if is_trusted else trustme.CA()).cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with serve_http(echo, tls=context) as url, opened() as client:
        with pytest.raises(ConnectError, match=sentence) as raised:
            await client.send(Request(url=url, timeout_s=20))
        assert not raised.value.timed_out


@pytest.mark.parametrize(
    ("answer", "sentence"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"), (b"", "was closed|reset")]
)
async def test_a_server_without_tls_is_refused_with_the_reason(
    opened: OpenClient, answer: bytes, sentence: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(answer)

    async with serve_tcp(talk) as url, opened() as client:
        with pytest.raises(ConnectError, match=sentence):
            await client.send(Request(url=url.replace("http:", "https:"), timeout_s=20))


async def test_a_handshake_that_stalls_has_a_timeout(opened: OpenClient) -> None:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        await asyncio.sleep(30)

    async with serve_tcp(talk) as url, opened(connections=1) as client:
        for _ in range(2):
            with pytest.raises(ConnectError, match="in time") as raised:
                await client.send(Request(url=url.replace("http:", "https:"), timeout_s=0.2))
            assert raised.value.timed_out


async def test_a_body_that_ends_with_an_encrypted_connection_is_whole_only_if_tls_ended_too(
    opened: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise somebody on the way may have cut it off."""
    authority = CertificateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbody")
        await writer.drain()
        if b"/cut" in head:
            writer.get_extra_info("socket").shutdown(1)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=authority.server_context())
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with opened() as client:
        assert (await fetch(client, f"{url}/whole"))[1] == b"body"
        with pytest.raises(IncompleteResponseError):
            await fetch(client, f"{url}/cut")
    server.close()


async def test_a_reused_encrypted_connection_brings_each_response(
    opened: OpenClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, peers = CertificateAuthority(tmp_path), set[object]()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    async def remember(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(body=await request.read())

    async with serve_http(remember, tls=authority.server_context()) as url, opened(connections=1) as client:
        for size_bytes in (0, 1, 1 << 14, 1 << 20, 3_000_000):
            request = Request(url=url, method="PUT", body=BODY[:size_bytes], timeout_s=20)
            assert await (await client.send(request)).read(len(BODY)) == BODY[:size_bytes]
    assert len(peers) == 1
