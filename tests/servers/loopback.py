"""Google's host names on loopback: certificates of a test authority, and a proxy that redirects to a test server."""

import asyncio
import contextlib
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

GOOGLE_HOSTS = ("www.googleapis.com", "drive.google.com", "drive.usercontent.google.com", "docs.google.com")


class CertificateAuthority:
    """A certificate authority that issues certificates for loopback and for Google's hosts."""

    def __init__(self, directory: Path) -> None:
        self._root = trustme.CA()
        self.path = directory / "authority.pem"  # for SSL_CERT_FILE
        self._root.cert_pem.write_to_path(self.path)

    def server_context(self) -> ssl.SSLContext:
        """Return a TLS context for a server with a new certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._root.issue_cert("127.0.0.1", *GOOGLE_HOSTS).configure_cert(context)
        return context


class ConnectProxy:
    """An HTTP proxy that connects CONNECT requests for Google's hosts to one port on loopback."""

    def __init__(self, *, port: int) -> None:
        self._target_port = port
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()
        self.hosts: set[str] = set()  # requested so far

    @property
    def url(self) -> str:
        """The value for HTTPS_PROXY."""
        if self._server is None:
            raise RuntimeError("The proxy is not running.")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._open, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for tunnel in self._tunnels:
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)

    def _open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.create_task(self._serve(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        host = target.rpartition(":")[0]
        if method != "CONNECT" or host not in GOOGLE_HOSTS:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        self.hosts.add(host)
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
