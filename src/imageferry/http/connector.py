"""Opening a connection: name lookup, TCP, proxy tunnel, and TLS over it."""

import asyncio
import socket
import ssl
from collections.abc import Callable

import aiohappyeyeballs

from imageferry.http.base import ConnectError
from imageferry.http.tls import error_text, start_tls
from imageferry.http.url import Origin, Proxy

# RFC 8305: try the next address of a name when the previous one has not answered for this long.
NEXT_ADDRESS_AFTER_S = 0.25
TUNNEL_HEAD_BYTES_MAX = 16 * 1024


async def connect(
    origin: Origin, *, proxy: Proxy | None, ssl_context: Callable[[], ssl.SSLContext], timeout_s: float
) -> socket.socket:
    """Return a non-blocking socket connected to an origin, through the proxy if there is one.

    Plain HTTP through a proxy gets a connection to the proxy itself. Raises ConnectError.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _connect(origin, proxy=proxy, ssl_context=ssl_context)
    except TimeoutError as exc:
        raise ConnectError(f"no connection to {origin.host} in time", timed_out=True) from exc
    except OSError as exc:
        raise ConnectError(f"no connection to {origin.host}: {error_text(exc)}") from exc


async def _connect(origin: Origin, *, proxy: Proxy | None, ssl_context: Callable[[], ssl.SSLContext]) -> socket.socket:
    loop = asyncio.get_running_loop()
    host, port = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connected = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_AFTER_S)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if origin.scheme == "http":
            return connected
        if proxy is not None:
            await _open_tunnel(connected, origin, proxy=proxy)
        return await start_tls(connected, host=origin.host, context=ssl_context())
    except BaseException:
        connected.close()
        raise


async def _open_tunnel(connected: socket.socket, origin: Origin, *, proxy: Proxy) -> None:
    """Make a proxy forward everything that follows to the origin."""
    loop = asyncio.get_running_loop()
    target = origin.connect_target
    login = "" if proxy.authorization is None else f"Proxy-Authorization: {proxy.authorization}\r\n"
    await loop.sock_sendall(connected, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        # Byte by byte: what follows the head belongs to TLS.
        byte = await loop.sock_recv(connected, 1)
        if not byte or len(head) > TUNNEL_HEAD_BYTES_MAX:
            raise ConnectError("the proxy did not send a valid response to CONNECT")
        head += byte
    status = head.partition(b" ")[2][:3].decode("latin-1")
    if status == "407":
        refused = "requires a login" if proxy.authorization is None else "refused the login"
        raise ConnectError(f"the proxy {refused}: set https_proxy to http://user:password@host:port")
    if not status.startswith("2"):
        raise ConnectError(f"CONNECT tunnel failed: the proxy answered {status}")
