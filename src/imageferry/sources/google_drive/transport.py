"""HTTP to Google: a connection pool, checked redirects, a timeout on every wait."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.http.base import HttpClient, HttpError, Request
from imageferry.http.client import Client
from imageferry.sources.google_drive.config import Timeouts
from imageferry.sources.google_drive.response import DriveResponse, to_transient_error
from imageferry.version import __version__

REDIRECTS_MAX = 5

USER_AGENT = f"imageferry/{__version__} (gzip)"  # Google compresses only for user agents that contain "gzip"


class Transport:
    """GET requests to one origin, with redirects to Google's own hosts. Connects at the first call.

    A call beyond `connections` waits for a free connection while its timeout runs. Uses the environment's proxies
    and SSL_CERT_FILE.
    """

    def __init__(self, *, origin: str, connections: int, timeouts: Timeouts, keep_cookies: bool = False) -> None:
        self._origin = _origin(origin)
        self._timeouts = timeouts
        self._client: HttpClient = Client(
            connections=connections,
            connect_timeout_s=timeouts.connect_s,
            user_agent=USER_AGENT,
            keep_cookies=keep_cookies,
        )

    async def get(
        self, url: str, *, headers: Mapping[str, str], prefetch_bytes: int, timeout_s: float | None = None
    ) -> DriveResponse:
        """Follow redirects and return the response, of any status. The caller reads it whole or closes it.

        `prefetch_bytes` of its body have come by then. The whole body must come within `timeout_s`; without one, the
        next bytes within `Timeouts.stall_s`. Raises TransientError when no response comes or it breaks off within
        the prefetched bytes, and PermanentError(REFUSED_REDIRECT) when Google redirects to another host.
        """
        for _ in range(REDIRECTS_MAX + 1):
            response = await self._send(url, headers=headers, prefetch_bytes=prefetch_bytes, timeout_s=timeout_s)
            if response.status not in _REDIRECTS:
                return response
            response.close()
            url = self.resolve_redirect(url, response.header("Location") or "")
            if _origin(url) != self._origin:
                headers = {name: value for name, value in headers.items() if name in _HEADERS_FOR_ANY_HOST}
        raise TransientError(Reason.SOURCE_UNAVAILABLE, "Google redirects too many times.")

    def resolve_redirect(self, base: str, link: str) -> str:
        """Return the absolute URL of a link. Raises PermanentError unless it leads to our endpoint or to Google."""
        target = _join(base, link)
        origin = _origin(target)
        if origin is None:
            raise PermanentError(Reason.REFUSED_REDIRECT, "Google redirects to an invalid URL, which is not followed.")
        scheme, host, _ = origin
        if origin == self._origin or (scheme == "https" and f".{host}".endswith(_GOOGLE_DOMAINS)):
            return target
        # Otherwise a forged response could make us request hosts that only this machine can reach.
        message = f"Google redirects to {host}, which isn't a Google host. Check whether a proxy interferes."
        raise PermanentError(Reason.REFUSED_REDIRECT, message)

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.close()

    async def _send(
        self, url: str, *, headers: Mapping[str, str], prefetch_bytes: int, timeout_s: float | None
    ) -> DriveResponse:
        timeouts, is_streamed = self._timeouts, timeout_s is None
        request = Request(
            url=url,
            headers=headers,
            prefetch_bytes=prefetch_bytes,
            timeout_s=timeout_s,
            # A streamed body has no timeout as a whole and could trickle for hours.
            prefetch_timeout_s=timeouts.body_s(prefetch_bytes) if is_streamed else None,
            stall_s=timeouts.stall_s if is_streamed else None,
        )
        try:
            return DriveResponse(url, await self._client.send(request))
        except HttpError as exc:
            raise to_transient_error(exc) from exc


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for any URL that parsers might read differently."""
    if (match := _PLAIN_URL.fullmatch(url)) is None:
        return None
    scheme, host, port = match.groups()
    return scheme, host.lower(), int(port) if port else _PORTS[scheme]


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOGLE_DOMAINS = (".google.com", ".googleusercontent.com")
_HEADERS_FOR_ANY_HOST = frozenset({"Range", "Accept-Encoding", "Accept-Language"})  # not keys, tokens and resource keys
_PLAIN_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?(?:[/?#][!-\[\]-~]*)?")
_PORTS = {"http": 80, "https": 443}
