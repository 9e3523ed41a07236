"""HTTP to Google: a pool of connections, redirects by hand, a bound on every wait and every body."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin

import imageferry
from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.http.client import Client
from imageferry.http.request import HttpError, Request
from imageferry.sources.google_drive.config import Deadlines
from imageferry.sources.google_drive.response import Answer, failed

REDIRECTS_MAX = 5

USER_AGENT = f"imageferry/{imageferry.__version__} (gzip)"  # Google compresses only for agents that say gzip


class Transport:
    """GET within one origin and Google's own hosts; opened by the first call.

    A call beyond `connections` waits for one to come free, while its deadline runs. The environment's proxies and
    SSL_CERT_FILE are heeded.
    """

    def __init__(self, *, origin: str, connections: int, deadlines: Deadlines, keep_cookies: bool = False) -> None:
        self._origin = _origin(origin)
        self._deadlines = deadlines
        self._client = Client(
            connections=connections,
            connect_timeout_s=deadlines.connect_s,
            user_agent=USER_AGENT,
            keep_cookies=keep_cookies,
        )

    async def get(
        self, url: str, *, headers: Mapping[str, str], ahead_bytes: int, deadline_s: float | None = None
    ) -> Answer:
        """The answer past redirects, of whatever status; whoever gets it reads it whole or closes it.

        About `ahead_bytes` of its body have come by then, and are held. All of the body is to come within the
        deadline; without one, the next piece within `Deadlines.stall_s`. Raises TransientError when no answer comes,
        or it breaks off in what is read ahead, and PermanentError(REFUSED_REDIRECT) when Google sends us elsewhere.
        """
        for _ in range(REDIRECTS_MAX + 1):
            answer = await self._sent(url, headers=headers, ahead_bytes=ahead_bytes, deadline_s=deadline_s)
            if answer.status not in _REDIRECTS:
                return answer
            answer.close()
            url = self.checked(url, answer.header("Location") or "")
            if _origin(url) != self._origin:
                headers = {name: value for name, value in headers.items() if name in _HEADERS_FOR_ANY_HOST}
        raise TransientError(Reason.SOURCE_UNAVAILABLE, "Google redirects without end.")

    def checked(self, base: str, link: str) -> str:
        """Where a link on an answer leads; raises PermanentError unless to our endpoint or to Google."""
        target = _joined(base, link)
        origin = _origin(target)
        if origin is None:
            raise PermanentError(Reason.REFUSED_REDIRECT, "Google redirects to what is no address.")
        scheme, host, _ = origin
        if origin == self._origin or (scheme == "https" and f".{host}".endswith(_GOOGLE_DOMAINS)):
            return target
        # Else whoever answers for Google could make us read hosts that only we can reach.
        raise PermanentError(Reason.REFUSED_REDIRECT, f"Google redirects to {host}, which is not its own.")

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        await self._client.close()

    async def _sent(
        self, url: str, *, headers: Mapping[str, str], ahead_bytes: int, deadline_s: float | None
    ) -> Answer:
        deadlines, streamed = self._deadlines, deadline_s is None
        request = Request(
            url=url,
            headers=headers,
            ahead_bytes=ahead_bytes,
            timeout_s=deadline_s,
            # What is streamed has no deadline of its own, and could trickle for hours.
            begin_s=deadlines.body_s(ahead_bytes) if streamed else None,
            stall_s=deadlines.stall_s if streamed else None,
        )
        try:
            return Answer(url, await self._client.send(request))
        except HttpError as exc:
            raise failed(exc) from exc


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for everything that two readers could read in two ways."""
    if (read := _PLAIN_URL.fullmatch(url)) is None:
        return None
    scheme, host, port = read.groups()
    return scheme, host.lower(), int(port) if port else _PORTS[scheme]


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOGLE_DOMAINS = (".google.com", ".googleusercontent.com")
_HEADERS_FOR_ANY_HOST = frozenset({"Range", "Accept-Encoding"})  # never a key, a token or a resource key
_PLAIN_URL = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?(?:[/?#][!-\[\]-~]*)?")
_PORTS = {"http": 80, "https": 443}
