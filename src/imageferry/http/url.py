"""Where a request goes: origin, request target, and the environment's proxy."""

import os
import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote

from msgspec import Struct

from imageferry.http.base import NoResponseError

_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?"
_URL = re.compile(rf"((?i:https?))://{_HOST}([/?][!-\x22$-~]*)?(?:#.*)?")
_PROXY = re.compile(rf"(?:(\w+)://)?(?:([^@/]*)@)?{_HOST}/?")
_PORTS = {"http": 80, "https": 443}
_PROXY_PORT = "1080"
_PORT_NUMBERS = range(1, 1 << 16)


class Origin(Struct, frozen=True, eq=False):
    """Scheme, host and port of a server. Compared by identity: `parse_url` caches them."""

    scheme: str  # http or https
    host: str  # a name or an address, in lower case, without brackets
    port: int

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        return _with_port(self.host, None if self.port == _PORTS[self.scheme] else self.port)

    @property
    def connect_target(self) -> str:
        """Host and port, as in a proxy's CONNECT request."""
        return _with_port(self.host, self.port)


class Proxy(Struct, frozen=True):
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None  # the value of Proxy-Authorization; a secret


def parse_url(url: str) -> tuple[Origin, str]:
    """Return a URL's origin and request target. Raises NoResponseError unless it is an http or https URL."""
    if (match := _URL.fullmatch(url)) is None:
        raise NoResponseError("this is not an http or https URL")
    scheme, host, port, target = match.groups("")
    return _origin_of(scheme.lower(), host, port), target if target.startswith("/") else f"/{target}"


@lru_cache(maxsize=64)
def _origin_of(scheme: str, host: str, port: str) -> Origin:
    return Origin(scheme, *_address(host, port or str(_PORTS[scheme])))


def _address(host: str, port: str) -> tuple[str, int]:
    """Return a host without brackets, in lower case, and a port. Raises NoResponseError when they can't exist."""
    try:
        host.encode("idna")  # refuses empty and overlong labels
    except UnicodeError as exc:
        raise NoResponseError("the host in the URL can't exist") from exc
    if int(port) not in _PORT_NUMBERS:
        raise NoResponseError("the port in the URL can't exist")
    return host.strip("[]").lower(), int(port)


def proxy_for(origin: Origin) -> Proxy | None:
    """Return the proxy for an origin from the environment variables that curl reads, or None.

    Raises NoResponseError when the environment names a proxy of another kind than http://.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - slow to import

    proxies = getproxies()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass(origin.connect_target):
        return None
    match = _PROXY.fullmatch(url)
    if match is None or (match[1] or "http").lower() != "http":
        raise NoResponseError("the proxy set in the environment is not an http:// proxy")
    _, login, host, port = match.groups()
    authorization = None if login is None else f"Basic {b64encode(unquote(login).encode()).decode()}"
    return Proxy(*_address(host, port or _PROXY_PORT), authorization)


def _with_port(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
