"""HTTP to Google: one pool of connections, redirects by hand, a bound on every wait and every body."""

import ssl
import urllib.request
from collections.abc import Mapping

from aiohttp import (
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    CookieJar,
    DummyCookieJar,
    TCPConnector,
    encode_basic_auth,
)
from yarl import URL

import imageferry
from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.sources.google_drive.config import Deadlines

REDIRECTS_MAX = 5
READ_BUFFER_BYTES = 256 << 10
DNS_TTL_S = 300

USER_AGENT = f"imageferry/{imageferry.__version__} (gzip)"  # Google compresses only for agents that say gzip


class Transport:
    """GET within one origin and Google's own hosts; opened by the first call, in that call's loop.

    A call beyond `connections` waits for one to come free, while its deadline runs.
    """

    def __init__(self, *, origin: str, connections: int, deadlines: Deadlines, keep_cookies: bool = False) -> None:
        self._endpoint = URL(origin)
        self._origin = _origin(self._endpoint)
        self._connections = connections
        self._deadlines = deadlines
        self._stall = ClientTimeout(sock_connect=deadlines.connect_s, sock_read=deadlines.stall_s)
        self.listing_deadline = ClientTimeout(total=deadlines.listing_s, sock_connect=deadlines.connect_s)
        self._keep_cookies = keep_cookies
        self._session: ClientSession | None = None
        self._proxy_headers: dict[str, str] | None = None

    async def get(self, url: str, *, headers: Mapping[str, str], deadline: ClientTimeout) -> ClientResponse:
        """The answer past redirects, of whatever status; whoever gets it reads it whole or closes it.

        The URL is encoded already. Raises TransientError when no answer comes, and
        PermanentError(REFUSED_REDIRECT) when Google sends us elsewhere.
        """
        session = self._session or self._open()
        target = URL(url, encoded=True)
        for _ in range(REDIRECTS_MAX + 1):
            try:
                response = await session.get(
                    target,
                    headers=headers,
                    allow_redirects=False,
                    timeout=deadline,
                    proxy_headers=self._proxy_headers,
                )
            except TRANSPORT_ERRORS as exc:
                raise broken(exc) from exc
            if response.status not in _REDIRECTS:
                return response
            response.release()
            target = self.checked(target, response.headers.get("Location", ""))
            if _origin(target) != self._origin:
                headers = {name: value for name, value in headers.items() if name in _HEADERS_FOR_ANY_HOST}
        raise TransientError(Reason.SOURCE_UNAVAILABLE, "Google redirects without end.")

    def checked(self, base: URL, link: str) -> URL:
        """Where a link on an answer leads; raises PermanentError unless to our endpoint or to Google."""
        try:
            target = base.join(URL(link))
            origin = _origin(target)
        except ValueError as exc:
            raise PermanentError(Reason.REFUSED_REDIRECT, "Google redirects to what is no address.") from exc
        google = target.scheme == "https" and f".{target.host}".endswith(_GOOGLE_DOMAINS)
        if origin == self._origin or google:
            return target
        # Else whoever answers for Google could make us read hosts that only we can reach.
        raise PermanentError(Reason.REFUSED_REDIRECT, f"Google redirects to {target.host}, which is not its own.")

    def deadline(self, size_bytes: int | None) -> ClientTimeout:
        """How long a body may take: in all where its size is known, else from one piece to the next."""
        if size_bytes is None:
            return self._stall
        return ClientTimeout(total=self._deadlines.body_s(size_bytes), sock_connect=self._deadlines.connect_s)

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> ClientSession:
        # Proxies are looked up once, here: with trust_env aiohttp would hop to a thread twice for each call,
        # and send along what ~/.netrc holds.
        proxy = _proxy_for(self._endpoint)
        if proxy is not None and proxy.user is not None:
            credentials = encode_basic_auth(proxy.user, proxy.password or "")
            self._proxy_headers = {"Proxy-Authorization": credentials}
            proxy = proxy.with_user(None)
        self._session = ClientSession(
            connector=TCPConnector(
                limit=self._connections,
                ttl_dns_cache=DNS_TTL_S,
                ssl=ssl.create_default_context(),  # honours SSL_CERT_FILE
            ),
            cookie_jar=CookieJar() if self._keep_cookies else DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            read_bufsize=READ_BUFFER_BYTES,
            proxy=proxy,
        )
        return self._session


TRANSPORT_ERRORS = (ClientError, TimeoutError, OSError)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GOOGLE_DOMAINS = (".google.com", ".googleusercontent.com")
_HEADERS_FOR_ANY_HOST = frozenset({"Range", "Accept-Encoding"})  # never a key, a token or a resource key


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port  # the port also where it is the scheme's own and not written


def broken(exc: Exception) -> TransientError:
    """What a failure of the transport is to whoever called."""
    told = str(exc) or type(exc).__name__
    if isinstance(exc, ClientPayloadError):
        return TransientError(Reason.CORRUPT, f"The answer ended before all of it had come: {told}")
    if isinstance(exc, TimeoutError):
        return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google did not answer in time: {told}")
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google cannot be reached: {told}")


def _proxy_for(endpoint: URL) -> URL | None:
    """The proxy that the environment names for an endpoint (HTTPS_PROXY, NO_PROXY and their like)."""
    if urllib.request.proxy_bypass(endpoint.host or ""):
        return None
    proxy = urllib.request.getproxies().get(endpoint.scheme)
    return URL(proxy) if proxy else None
