"""Where a request goes: an origin, what is asked of it, and the environment's proxy on the way."""

import os
import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote

from msgspec import Struct

from imageferry.http.request import UnansweredError

_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?"
_URL = re.compile(rf"((?i:https?))://{_HOST}([/?][!-\x22$-~]*)?(?:#.*)?")
_PROXY = re.compile(rf"(?:(\w+)://)?(?:([^@/]*)@)?{_HOST}/?")
_PORTS = {"http": 80, "https": 443}
_PROXY_PORT = 1080


class Origin(Struct, frozen=True, eq=False):
    """Who answers; there is one for each way to write it."""

    scheme: str  # http or https
    host: str  # a name or an address, in lower case, without brackets
    port: int

    @property
    def authority(self) -> str:
        """As a Host header has it."""
        return _with_port(self.host, None if self.port == _PORTS[self.scheme] else self.port)

    @property
    def tunnel(self) -> str:
        """As a proxy is told whom to connect to."""
        return _with_port(self.host, self.port)


class Proxy(Struct, frozen=True):
    """Who passes on."""

    host: str
    port: int
    authorization: str | None  # as its header has it; a secret


def address_of(url: str) -> tuple[Origin, str]:
    """The origin, and what is asked of it, as it is written; UnansweredError: this is no address of the web."""
    if (read := _URL.fullmatch(url)) is None:
        raise UnansweredError("This cannot be asked: it is no http or https URL")
    scheme, host, port, target = read.groups("")
    return _origin_of(scheme, host, port), target if target.startswith("/") else f"/{target}"


@lru_cache(maxsize=64)
def _origin_of(scheme: str, host: str, port: str) -> Origin:
    scheme = scheme.lower()
    return Origin(scheme, host.strip("[]").lower(), int(port) if port else _PORTS[scheme])


def proxy_for(origin: Origin) -> Proxy | None:
    """The proxy that the environment names for an origin, by the variables that curl reads too; None: there is none.

    Raises UnansweredError when it names one that we cannot ask.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - long to import

    proxies = getproxies()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass(origin.tunnel):
        return None
    read = _PROXY.fullmatch(url)
    if read is None or (read[1] or "http").lower() != "http":
        raise UnansweredError("The environment's proxy is not one of http://")
    _, login, host, port = read.groups()
    authorization = None if login is None else f"Basic {b64encode(unquote(login).encode()).decode()}"
    return Proxy(host.strip("[]"), int(port) if port else _PROXY_PORT, authorization)


def _with_port(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
