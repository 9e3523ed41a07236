"""TLS: the authorities that are trusted, the handshake, and what its errors mean."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable

# What a certificate is refused for (OpenSSL's X509_V_ERR_*).
_UNTRUSTED = (
    "no authority that this machine trusts has issued its certificate. If a proxy replaces certificates, set "
    "SSL_CERT_FILE to a file with the proxy's authority"
)
_OTHER_NAME = "its certificate is for other names"
_CERTIFICATE_ERRORS = {
    9: "its certificate is not valid yet. Check this machine's clock",
    10: "its certificate has expired. Check this machine's clock",
    **dict.fromkeys((2, 18, 19, 20, 21, 27), _UNTRUSTED),
    **dict.fromkeys((62, 64), _OTHER_NAME),
}
_TLS_ERRORS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS at this port",
    "HTTP_REQUEST": "it does not speak TLS at this port",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was closed during the TLS handshake",
    "UNSUPPORTED_PROTOCOL": "it speaks only versions of TLS that are no longer safe",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only versions of TLS that this machine does not",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refused the TLS handshake",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it requires a client certificate, which imageferry can't send",
}


def create_ssl_context() -> ssl.SSLContext:
    """Return a context that trusts the system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):
        import certifi  # noqa: PLC0415 - slow to import and seldom needed

        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


async def start_tls(connected: socket.socket, *, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Return the socket, encrypted, when the server has shown a certificate for the host. Raises OSError.

    A connection that ends without TLS's own end raises as well: somebody may have cut it off.
    """
    encrypted = context.wrap_socket(
        connected, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
    try:
        await _handshake(encrypted)
    except BaseException:
        encrypted.close()
        raise
    return encrypted


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
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE_ERRORS.get(error.verify_code, f"its certificate was refused: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError):
        return "the connection was closed"
    if isinstance(error, ssl.SSLError):
        return _TLS_ERRORS.get(error.reason, f"TLS failed ({error.reason or error})")
    if isinstance(error, ConnectionError) and error.errno is not None:
        return os.strerror(error.errno)  # asyncio's own text contains the address as a Python tuple
    return error.strerror or str(error)
