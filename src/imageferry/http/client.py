"""The HTTP client: a connection pool."""

import asyncio
import math
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from imageferry.http.base import HttpResponse, NoResponseError, Request
from imageferry.http.connection import Connection
from imageferry.http.connection_slots import ConnectionSlots
from imageferry.http.connector import connect
from imageferry.http.gzip_response import GzipResponse
from imageferry.http.poller import Poller, create_poller
from imageferry.http.response import Response
from imageferry.http.tls import create_ssl_context
from imageferry.http.url import Origin, Proxy, parse_url, proxy_for

if TYPE_CHECKING:
    from imageferry.http.cookies import Cookies

# A router on the way may have silently forgotten a connection that was idle for longer.
IDLE_S_MAX = 60.0
# Received at once where the length is unknown. TLS returns 16 KiB at a time.
SCRATCH_BYTES = 64 * 1024
# One periodic check of all deadlines: a timer for each response would cost more.
CHECK_DEADLINES_EVERY_S = 0.1
HEADS_CACHED_MAX = 256
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_HEADER_VALUE = re.compile(r"[\t -~]*")  # no line break, which would start another header


class Client:
    """HTTP/1.1 client with a pool of at most `connections` connections. Implements HttpClient.

    Each request has a connection of its own, so none waits behind another's bytes. A request beyond `connections`
    waits for a free one while its timeout runs. Proxies come from the environment (http_proxy, https_proxy,
    all_proxy, no_proxy), certificates from SSL_CERT_FILE and SSL_CERT_DIR. Construction does no I/O.

        client = Client(connections=16, connect_timeout_s=10)
        response = await client.send(Request(url="https://example.com/", timeout_s=30))
        body = await response.read(1 << 20)
        response.close()
    """

    def __init__(
        self,
        *,
        connections: int,
        connect_timeout_s: float,
        user_agent: str | None = None,
        keep_cookies: bool = False,
        poller_factory: Callable[[], Poller] = create_poller,
    ) -> None:
        self._connections = connections
        self._connect_timeout_s = connect_timeout_s
        self._default_headers = {"Accept": "*/*"} | ({"User-Agent": user_agent} if user_agent else {})
        self._cookies = _create_cookies() if keep_cookies else None
        self._slots = ConnectionSlots(connections)
        self._open: set[Connection] = set()
        self._idle: dict[Origin, list[Connection]] = {}  # closed ones among them
        self._head_cache: dict[tuple[object, ...], bytes] = {}
        self._proxies: dict[Origin, Proxy | None] = {}
        self._scratch = bytearray(SCRATCH_BYTES)
        self._poller_factory = poller_factory
        self._poller: Poller | None = None
        self._context: ssl.SSLContext | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, request: Request) -> HttpResponse:
        """See HttpClient."""
        response = await self._send(request)
        if self._cookies is not None:
            self._cookies.store(response.headers("Set-Cookie"), url=request.url)
        return GzipResponse(response) if response.is_gzip else response

    async def _send(self, request: Request) -> Response:
        origin, target = parse_url(request.url)
        head = self._head(request, origin, target)
        loop = asyncio.get_running_loop()
        deadline_at_s = math.inf if request.timeout_s is None else loop.time() + request.timeout_s
        may_reuse = True
        while True:
            if not self._slots.try_acquire():
                await self._wait_for_slot(deadline_at_s)
            idle = self._take_idle(origin) if may_reuse else None
            connection = idle or await self._connect_or_release(origin, deadline_at_s)
            if self._timer is None:
                self._timer = loop.call_later(CHECK_DEADLINES_EVERY_S, self._check_deadlines, loop)
            response = Response(request, scratch=self._scratch, on_done=self._take_back)
            try:
                await response.start(connection, head, deadline_at_s=deadline_at_s)
            except NoResponseError as exc:
                response.close()
                if exc.timed_out or not (idle and response.is_untouched and request.method in _REPEATABLE):
                    raise
                # The server had closed it; connections that were idle as long are likely closed too.
                may_reuse = False
            except BaseException:
                response.close()
                raise
            else:
                return response

    async def close(self) -> None:
        """See HttpClient."""
        for connection in tuple(self._open):
            if connection.receiver is not None:
                connection.receiver.fail("the client was closed")
        _close_all(tuple(self._open))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    def _head(self, request: Request, origin: Origin, target: str) -> bytes:
        """Return a request's line and headers."""
        proxy = self._proxy(origin)
        if proxy is not None and origin.scheme == "http":
            target = f"http://{origin.authority}{target}"
        size = "" if request.body is None else f"Content-Length: {len(request.body)}\r\n"
        headers: Mapping[str, str] = request.headers
        if self._cookies is not None:
            headers = {**headers, **self._cookies.header_for(request.url)}
        encoded = self._encoded_headers(headers, origin, proxy)
        return f"{request.method} {target} HTTP/1.1\r\n{size}".encode() + encoded

    def _encoded_headers(self, given: Mapping[str, str], origin: Origin, proxy: Proxy | None) -> bytes:
        """Return the headers that many requests share and the end of the head. Cached."""
        cached = self._head_cache.get(key := (origin, *given.items()))
        if cached is not None:
            return cached
        headers = {"Host": origin.authority, "Accept-Encoding": "gzip"} | self._default_headers | dict(given)
        if proxy is not None and proxy.authorization is not None and origin.scheme == "http":
            headers["Proxy-Authorization"] = proxy.authorization
        if not all(map(_HEADER_VALUE.fullmatch, headers.values())):
            raise NoResponseError("the request was not sent: a header contains characters that headers may not hold")
        if len(self._head_cache) >= HEADS_CACHED_MAX:
            self._head_cache.clear()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head_cache[key] = encoded = f"{lines}\r\n".encode()
        return encoded

    def _proxy(self, origin: Origin) -> Proxy | None:
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

    async def _wait_for_slot(self, deadline_at_s: float) -> None:
        try:
            async with asyncio.timeout_at(None if deadline_at_s == math.inf else deadline_at_s):
                await self._slots.acquire()
        except TimeoutError as exc:
            raise NoResponseError("every connection was in use", timed_out=True) from exc

    def _take_idle(self, origin: Origin) -> Connection | None:
        """Return an idle connection that is open as far as we know, or None."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if monotonic() - connection.idle_since_s <= IDLE_S_MAX and connection.is_silent():
                return connection
            connection.release(keep_alive=False)
        return None

    async def _connect_or_release(self, origin: Origin, deadline_at_s: float) -> Connection:
        """Open a connection. The caller holds a slot, which is released when this fails."""
        try:
            return await self._connect(origin, deadline_at_s)
        except BaseException:
            self._slots.release()
            raise

    async def _connect(self, origin: Origin, deadline_at_s: float) -> Connection:
        self._close_oldest_idle()
        poller = self._poller = self._poller or self._poller_factory()
        timeout_s = min(self._connect_timeout_s, deadline_at_s - asyncio.get_running_loop().time())
        connected = await connect(origin, proxy=self._proxy(origin), ssl_context=self._ssl_context, timeout_s=timeout_s)
        if self._poller is not poller:
            connected.close()
            raise NoResponseError("the client was closed")
        connection = Connection(connected, origin=origin, poller=poller)
        self._open.add(connection)
        return connection

    def _close_oldest_idle(self) -> None:
        """Close the connection that was idle for longest when there are `connections` already."""
        self._open = {each for each in self._open if not each.closed}
        self._idle = {origin: [each for each in idle if not each.closed] for origin, idle in self._idle.items()}
        idle = [connection for each in self._idle.values() for connection in each]
        if idle and len(self._open) >= self._connections:
            min(idle, key=lambda connection: connection.idle_since_s).release(keep_alive=False)

    def _ssl_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = create_ssl_context()
        return self._context

    def _take_back(self, connection: Connection) -> None:
        self._slots.release()
        if not connection.closed:
            self._idle.setdefault(connection.origin, []).append(connection)

    def _check_deadlines(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s, in_use = loop.time(), False
        for connection in tuple(self._open):
            if connection.receiver is not None:
                in_use = True
                connection.receiver.check_deadlines(now_s)
        self._timer = loop.call_later(CHECK_DEADLINES_EVERY_S, self._check_deadlines, loop) if in_use else None


def _close_all(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.release(keep_alive=False)


def _create_cookies() -> "Cookies":
    from imageferry.http.cookies import Cookies  # noqa: PLC0415 - slow to import and seldom needed

    return Cookies()
