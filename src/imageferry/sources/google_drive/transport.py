"""HTTP to Google: a pool of connections, redirects by hand, a bound on every wait and every body."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError
from pyreqwest.http import Url
from pyreqwest.request import StreamRequest

import imageferry
from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.sources.google_drive.answer import Answer, unanswered
from imageferry.sources.google_drive.config import Deadlines

REDIRECTS_MAX = 5

USER_AGENT = f"imageferry/{imageferry.__version__} (gzip)"  # Google compresses only for agents that say gzip


class Transport:
    """GET within one origin and Google's own hosts; opened by the first call.

    A call beyond `connections` waits for one to come free, while its deadline runs. The environment's proxies and
    SSL_CERT_FILE are heeded.
    """

    def __init__(self, *, origin: str, connections: int, deadlines: Deadlines, keep_cookies: bool = False) -> None:
        self._origin = Url(origin).origin_ascii
        self._connections = connections
        self._deadlines = deadlines
        self._keep_cookies = keep_cookies
        self._client: Client | None = None
        self._streaming: Client | None = None

    async def get(
        self, url: str, *, headers: Mapping[str, str], ahead_bytes: int, deadline_s: float | None = None
    ) -> Answer:
        """The answer past redirects, of whatever status; whoever gets it reads it whole or closes it.

        About `ahead_bytes` of its body have come by then, and are held. All of the body is to come within the
        deadline; without one, the next piece within `Deadlines.stall_s`. Raises TransientError when no answer comes,
        or it breaks off in what is read ahead, and PermanentError(REFUSED_REDIRECT) when Google sends us elsewhere.
        """
        client = self._opened(stream=deadline_s is None)
        for _ in range(REDIRECTS_MAX + 1):
            request = client.get(url).headers(headers).streamed_read_buffer_limit(ahead_bytes)
            request = request if deadline_s is None else request.timeout(timedelta(seconds=deadline_s))
            # What is streamed has no deadline of its own, and could trickle for hours.
            timeout_s = self._deadlines.body_s(ahead_bytes) if deadline_s is None else None
            answer = await _sent(url, request.build_streamed(), timeout_s=timeout_s)
            if answer.status not in _REDIRECTS:
                return answer
            await answer.close()
            url = self.checked(url, answer.header("Location") or "")
            if Url(url).origin_ascii != self._origin:
                headers = {name: value for name, value in headers.items() if name in _HEADERS_FOR_ANY_HOST}
        raise TransientError(Reason.SOURCE_UNAVAILABLE, "Google redirects without end.")

    def checked(self, base: str, link: str) -> str:
        """Where a link on an answer leads; raises PermanentError unless to our endpoint or to Google."""
        try:
            # By the client's own reading of URLs: no second one that it might differ from.
            target = Url(base).join(link)
        except ValueError as exc:
            raise PermanentError(Reason.REFUSED_REDIRECT, "Google redirects to what is no address.") from exc
        google = target.scheme == "https" and f".{target.host_str}".endswith(_GOOGLE_DOMAINS)
        if target.origin_ascii == self._origin or google:
            return str(target)
        # Else whoever answers for Google could make us read hosts that only we can reach.
        raise PermanentError(Reason.REFUSED_REDIRECT, f"Google redirects to {target.host_str}, which is not its own.")

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        clients, self._client, self._streaming = (self._client, self._streaming), None, None
        for client in clients:
            if client is not None:
                await client.close()

    def _opened(self, *, stream: bool) -> Client:
        # A stall is told by a client, not by a call: what is streamed has one of its own.
        if stream:
            self._streaming = self._streaming or self._built().read_timeout(self._stall).build()
            return self._streaming
        self._client = self._client or self._built().build()
        return self._client

    @property
    def _stall(self) -> timedelta:
        return timedelta(seconds=self._deadlines.stall_s)

    def _built(self) -> ClientBuilder:
        return (
            ClientBuilder()
            .user_agent(USER_AGENT)
            .follow_redirects(enable=False)
            .referer(enable=False)
            .default_cookie_store(self._keep_cookies)
            .max_connections(self._connections)
            .connect_timeout(timedelta(seconds=self._deadlines.connect_s))
        )


async def _sent(url: str, request: StreamRequest, *, timeout_s: float | None) -> Answer:
    try:
        if timeout_s is None:
            return Answer(url, request, await request.__aenter__())
        async with asyncio.timeout(timeout_s):
            return Answer(url, request, await request.__aenter__())
    except RequestError as exc:
        raise unanswered(exc) from exc
    except TimeoutError as exc:
        raise TransientError(Reason.SOURCE_UNAVAILABLE, "Google's answer came too slowly.") from exc


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOGLE_DOMAINS = (".google.com", ".googleusercontent.com")
_HEADERS_FOR_ANY_HOST = frozenset({"Range", "Accept-Encoding"})  # never a key, a token or a resource key
