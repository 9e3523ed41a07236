"""HTTP to Google: redirects, headers, certificates, proxies, limits."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.model import File
from imageferry.sources.google_drive import response_bodies
from imageferry.sources.google_drive.config import Timeouts
from imageferry.sources.google_drive.transport import Transport
from tests.servers.http_servers import serve_http, serve_tcp

TIMEOUTS = Timeouts()
SECRETS = {"X-Goog-Api-Key": "secret", "Range": "bytes=5-"}
WHOLE: dict[str, Any] = {"prefetch_bytes": 1 << 20, "timeout_s": 30}


@asynccontextmanager
async def opened(origin: str) -> AsyncIterator[Transport]:
    transport = Transport(origin=origin, connections=4, timeouts=TIMEOUTS)
    yield transport
    await transport.close()


async def hello(request: web.Request) -> web.Response:
    return web.json_response(dict(request.headers))


@pytest.mark.parametrize(
    "link",
    [
        "/elsewhere",
        "https://drive.usercontent.google.com/download?id=1",
        "https://doc-0s-docs.googleusercontent.com/docs",
        "https://google.com/sorry",
        "https://www.googleapis.com:443/drive/v3/files/1",
    ],
)
def test_links_to_the_endpoint_and_to_google_may_be_followed(link: str) -> None:
    transport = Transport(origin="https://www.googleapis.com", connections=1, timeouts=TIMEOUTS)
    assert transport.resolve_redirect("https://www.googleapis.com/a", link).startswith("https://")


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1/",
        "http://www.googleapis.com/",
        "https://www.googleapis.com:8443/",
        "http://drive.usercontent.google.com/",
        "https://evilgoogle.com/",
        "https://google.com.example.com/",
        "https://drive.google.com@example.com/",
        "//example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[bad/",
        "http://0x7f000001/",
    ],
)
def test_links_to_other_hosts_are_rejected(link: str) -> None:
    transport = Transport(origin="https://www.googleapis.com", connections=1, timeouts=TIMEOUTS)
    with pytest.raises(PermanentError) as raised:
        transport.resolve_redirect("https://www.googleapis.com/a", link)
    assert raised.value.reason is Reason.REFUSED_REDIRECT


async def test_a_redirect_within_the_origin_keeps_the_key() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/from":
            raise web.HTTPFound("/to")
        return await hello(request)

    async with serve_http(handler) as origin, opened(origin) as transport:
        response = await transport.get(f"{origin}/from", headers=SECRETS, **WHOLE)
        assert json.loads(bytes(await response.read(1 << 16)))["X-Goog-Api-Key"] == "secret"


async def test_an_untrusted_certificate_is_a_transient_error() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serve_http(hello, tls=context) as origin, opened(origin) as transport:
        with pytest.raises(TransientError, match="certificate") as raised:
            await transport.get(f"{origin}/", headers={}, **WHOLE)
        assert raised.value.reason is Reason.SOURCE_UNAVAILABLE


async def test_ssl_cert_file_adds_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serve_http(hello, tls=context) as origin, opened(origin) as transport:
        response = await transport.get(f"{origin}/", headers={}, **WHOLE)
        assert response.status == 200
        response.close()


async def test_the_proxy_of_the_environment_gets_its_password_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with serve_tcp(proxy) as url, opened("https://drive.invalid") as transport:
        monkeypatch.setenv("https_proxy", url.replace("//", "//user:pass@"))
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(TransientError, match="the proxy refused the login"):
            await transport.get("https://drive.invalid/", headers=SECRETS, **WHOLE)
    assert heads[0].startswith(b"CONNECT drive.invalid:443 ")
    assert b"proxy-authorization: basic dxnlcjpwyxnz" in heads[0].lower()
    assert b"secret" not in heads[0]


async def test_a_name_that_does_not_resolve_is_a_transient_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    async with opened("http://drive.invalid") as transport:
        with pytest.raises(TransientError):
            await transport.get("http://drive.invalid/", headers={}, **WHOLE)


async def test_a_response_that_is_too_large_is_aborted() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(bytes(1 << 16))
        return response

    async with serve_http(endless) as origin, opened(origin) as transport:
        response = await transport.get(f"{origin}/", headers={}, **WHOLE)
        with pytest.raises(TransientError, match="larger"):
            await response_bodies.read_bounded(response, size_bytes_max=1 << 20)
        file = File(id="1", name="a.jpg", size_bytes=1000)
        response = await transport.get(f"{origin}/", headers={}, prefetch_bytes=1001, timeout_s=30)
        with pytest.raises(TransientError) as raised:
            await response_bodies.read_whole(response, file=file, timeouts=TIMEOUTS)
        assert raised.value.reason is Reason.CORRUPT


async def test_a_compressed_body_is_measured_decompressed() -> None:
    async def compressed(_: web.Request) -> web.Response:
        response = web.Response(body=bytes(5000))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with serve_http(compressed) as origin, opened(origin) as transport:
        file = File(id="1", name="a.jpg", size_bytes=5000)
        response = await transport.get(f"{origin}/", headers={}, prefetch_bytes=5001, timeout_s=30)
        assert await response_bodies.read_whole(response, file=file, timeouts=TIMEOUTS) == bytes(5000)
