"""A new connection: name, TCP, the proxy on the way, TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable

import aiohappyeyeballs

from imageferry.http.request import UnreachedError
from imageferry.http.url import Origin, Proxy

# The second of a name's addresses is tried when the first has not answered for so long, as RFC 8305 has it.
NEXT_ADDRESS_AFTER_S = 0.25
TUNNEL_HEAD_BYTES_MAX = 16 * 1024


def trust() -> ssl.SSLContext:
    """Who is believed to be who they say: the system's authorities, or what SSL_CERT_FILE and SSL_CERT_DIR name."""
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    if not (known.cafile or known.capath):
        import certifi  # noqa: PLC0415 - few need it, and it is long to import

        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(
    origin: Origin, *, proxy: Proxy | None, trusted: Callable[[], ssl.SSLContext], within_s: float
) -> socket.socket:
    """A socket that talks to an origin, or to a proxy that passes on what is asked of one; it does not block.

    Raises UnreachedError when there is none in time.
    """
    try:
        async with asyncio.timeout(within_s):
            return await _dial(origin, proxy=proxy, trusted=trusted)
    except TimeoutError as exc:
        raise UnreachedError(f"No connection to {origin.host} in time", timed_out=True) from exc
    except OSError as exc:
        raise UnreachedError(f"No connection to {origin.host}: {words_of(exc)}") from exc


async def _dial(origin: Origin, *, proxy: Proxy | None, trusted: Callable[[], ssl.SSLContext]) -> socket.socket:
    loop = asyncio.get_running_loop()
    host, port = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    connected = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_AFTER_S)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if origin.scheme == "http":
            return connected
        if proxy is not None:
            await _tunnel(connected, origin, proxy=proxy)
        connected = trusted().wrap_socket(connected, server_hostname=origin.host, do_handshake_on_connect=False)
        await _shake_hands(connected)
    except BaseException:
        connected.close()
        raise
    return connected


async def _tunnel(connected: socket.socket, origin: Origin, *, proxy: Proxy) -> None:
    """Have a proxy pass on all that follows."""
    loop = asyncio.get_running_loop()
    target = origin.tunnel
    login = "" if proxy.authorization is None else f"Proxy-Authorization: {proxy.authorization}\r\n"
    await loop.sock_sendall(connected, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        # Byte by byte: what comes behind the head is TLS's.
        byte = await loop.sock_recv(connected, 1)
        if not byte or len(head) > TUNNEL_HEAD_BYTES_MAX:
            raise UnreachedError("The proxy does not answer as one")
        head += byte
    _, _, status = head.partition(b" ")
    if not status.startswith(b"200"):
        raise UnreachedError(f"CONNECT tunnel failed, the proxy answers {status[:3].decode('latin-1')}")


async def _shake_hands(connected: ssl.SSLSocket) -> None:
    loop, fd = asyncio.get_running_loop(), connected.fileno()
    while True:
        try:
            connected.do_handshake()
        except ssl.SSLWantReadError:
            await _told(loop.add_reader, fd, then=loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _told(loop.add_writer, fd, then=loop.remove_writer)
        else:
            return


async def _told(tell: Callable[[int, Callable[[], object]], object], fd: int, *, then: Callable[[int], object]) -> None:
    """Wait until the loop tells that a file is ready."""
    told = asyncio.Event()
    tell(fd, told.set)
    try:
        await told.wait()
    finally:
        then(fd)


def words_of(error: OSError) -> str:
    """What went wrong, for people."""
    return error.strerror or str(error)
