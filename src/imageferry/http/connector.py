"""Opening a connection: name lookup, TCP, proxy tunnel, TLS."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable

import aiohappyeyeballs

from imageferry.http.request import ConnectError
from imageferry.http.url import Origin, Proxy

# RFC 8305: try the next address of a name when the previous one has not answered for this long.
NEXT_ADDRESS_AFTER_S = 0.25
TUNNEL_HEAD_BYTES_MAX = 16 * 1024


def create_ssl_context() -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        import certifi  # noqa: PLC0415 - slow to import and seldom needed

        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


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
        raise ConnectError(f"No connection to {origin.host} in time", timed_out=True) from exc
    except OSError as exc:
        raise ConnectError(f"No connection to {origin.host}: {error_text(exc)}") from exc


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
        connected = ssl_context().wrap_socket(connected, server_hostname=origin.host, do_handshake_on_connect=False)
        await _handshake(connected)
    except BaseException:
        connected.close()
        raise
    return connected


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
            raise ConnectError("The proxy did not send a valid response to CONNECT")
        head += byte
    _, _, status = head.partition(b" ")
    if not status.startswith(b"200"):
        raise ConnectError(f"CONNECT tunnel failed: the proxy answered {status[:3].decode('latin-1')}")


async def _handshake(connected: ssl.SSLSocket) -> None:
    loop, fd = asyncio.get_running_loop(), connected.fileno()
    while True:
        try:
            connected.do_handshake()
        except ssl.SSLWantReadError:
            await _wait_ready(fd, add=loop.add_reader, remove=loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _wait_ready(fd, add=loop.add_writer, remove=loop.remove_writer)
        else:
            return


async def _wait_ready(
    fd: int, *, add: Callable[[int, Callable[[], object]], object], remove: Callable[[int], object]
) -> None:
    """Wait until the loop reports that a file descriptor is ready."""
    ready = asyncio.Event()
    add(fd, ready.set)
    try:
        await ready.wait()
    finally:
        remove(fd)


def error_text(error: OSError) -> str:
    """Return the error's message for people."""
    if isinstance(error, ConnectionError) and error.errno is not None:
        return os.strerror(error.errno)  # asyncio's own text contains the address as a Python tuple
    return error.strerror or str(error)
