"""The gate: hosts and origins that are not ours are turned away, and every answer is dressed for browsers."""

from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.security.request_bodies import refuse

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# An answer that says nothing else of itself loads, runs and frames nothing when a browser opens it.
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DRESS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}


class Gate:
    """Refuses foreign hosts, and writes from other sites.

    The host is checked because a page of any site can have its own name resolve to this machine (DNS rebinding);
    the origin, because a page of any site can post here.
    """

    def __init__(self, app: ASGIApp, *, host: str, other_hosts: Collection[str], origins: Collection[str]) -> None:
        """`host` is what the gateway is bound to; `other_hosts` names it too, and `*` among them is any name."""
        self._app = app
        self._hosts = _LOOPBACK | {host.lower()} | {other.lower() for other in other_hosts}
        self._on_network = not is_loopback(host)
        self._origins = frozenset(origins)
        # Another site may show no picture of ours, unless sites are named that may read them anyway.
        self._dress = _DRESS if origins else _DRESS | {"Cross-Origin-Resource-Policy": "same-origin"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refused := self._refusal(scope["method"], Headers(scope=scope)):
            await refuse(refused, scope, receive, self._dressed(send))
        else:
            await self._app(scope, receive, self._dressed(send))

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        if not self._knows_host(headers):
            return refusal(400, "The Host header does not name this gateway: IMAGEFERRY_ALLOWED_HOSTS adds names.")
        if method not in _SAFE_METHODS and not self._trusts_origin(headers):
            return refusal(403, "Another site's page may not do this: CORS_ORIGINS names those that may.")
        return None

    def _knows_host(self, headers: Headers) -> bool:
        host = _split(f"//{headers.get('host', '')}").hostname
        if host is None:
            return False
        # Rebinding needs a name. A probe in a cluster knows nothing but the address.
        return host in self._hosts or "*" in self._hosts or (self._on_network and _is_address(host))

    def _trusts_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:  # not a browser, or not another site's page
            return headers.get("sec-fetch-site") not in {"cross-site", "same-site"}
        own = headers.get("host", "").lower()
        return _split(origin).netloc.lower() == own or bool(self._origins & {origin, "*"})

    def _dressed(self, send: Send) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._dress.items():
                    headers.setdefault(name, value)
            await send(message)

        return dressed


def is_loopback(host: str) -> bool:
    """True: what is bound to it is reached from this machine alone."""
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
    except ValueError:  # a bracket that opens no IPv6 address
        return urlsplit("")
