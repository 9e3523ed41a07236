"""Host and origin checks, and the security headers of every response."""

from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.security.request_bodies import respond_and_drain

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# The default of responses that set no policy: opened in a browser, they load, run and frame nothing.
DEFAULT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Sites in CORS_ORIGINS send CORS requests (fetch, <img crossorigin>), to which this policy does not apply.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": DEFAULT_POLICY,
}


class HostOriginGuard:
    """Rejects requests for other hosts, and writes from other sites' pages.

    The host is checked because a page of any site can have its own name resolve to this machine (DNS rebinding).
    The origin is checked because a page of any site can send POST requests to this gateway.
    """

    def __init__(self, app: ASGIApp, *, host: str, other_hosts: Collection[str], origins: Collection[str]) -> None:
        """`host` is the address that the gateway listens on, `other_hosts` are further names; `*` allows any name."""
        self._app = app
        self._hosts = _LOOPBACK | {host.lower()} | {other.lower() for other in other_hosts}
        self._is_on_network = not is_loopback(host)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif rejection := self._rejection(scope["method"], Headers(scope=scope)):
            await respond_and_drain(rejection, scope, receive, _with_security_headers(send))
        else:
            await self._app(scope, receive, _with_security_headers(send))

    def _rejection(self, method: str, headers: Headers) -> Response | None:
        if not self._is_known_host(headers):
            detail = "The Host header is not a known name of this gateway. Add the name to IMAGEFERRY_ALLOWED_HOSTS."
            return problem_response(400, detail)
        if method not in _SAFE_METHODS and not self._is_trusted_origin(headers):
            detail = "Pages of other sites can't do this. Add the site to CORS_ORIGINS to allow it."
            return problem_response(403, detail)
        return None

    def _is_known_host(self, headers: Headers) -> bool:
        host = _split(f"//{headers.get('host', '')}").hostname
        if host is None:
            return False
        # DNS rebinding needs a name, so addresses are safe. A health probe in a cluster knows only the address.
        return host in self._hosts or "*" in self._hosts or (self._is_on_network and _is_address(host))

    def _is_trusted_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:  # not a browser, or not a page of another site
            return headers.get("sec-fetch-site") not in {"cross-site", "same-site"}
        own_host = headers.get("host", "").lower()
        return _split(origin).netloc.lower() == own_host or bool(self._origins & {origin, "*"})


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on this host is reachable from this machine only."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    return False


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that doesn't start an IPv6 address
        return urlsplit("")


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
