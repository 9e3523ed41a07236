"""A client: connections that are kept, and answers."""

import asyncio
import math
import re
import ssl
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from imageferry.http.connection import Connection
from imageferry.http.connection_slots import Places
from imageferry.http.connector import dial, trust
from imageferry.http.poller import Sockets, open_sockets
from imageferry.http.request import Request, UnansweredError
from imageferry.http.response import Response
from imageferry.http.url import Origin, Proxy, address_of, proxy_for

if TYPE_CHECKING:
    from imageferry.http.cookies import Cookies

# A connection that was idle for longer may have been forgotten by what is on its way, without a word to anybody.
IDLE_S_MAX = 60.0
# What is received at once where it is not known how much is to come. TLS gives 16 KiB at a time.
SCRATCH_BYTES = 64 * 1024
# So often it is looked whether an answer is late: a timer for each would cost more than to look at all.
LOOK_EVERY_S = 0.1
HEADS_KEPT = 256
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PLAIN = re.compile(r"[\t -~]*")  # what a header may hold without being read as another


class Client:
    """Asks by HTTP/1.1, over at most so many connections, which are kept; follows no redirect.

    A connection for each request, so that none waits behind another's bytes; one beyond them waits for one to come
    free, while its time runs. The environment's proxies are heeded, and SSL_CERT_FILE and SSL_CERT_DIR.
    """

    def __init__(
        self, *, connections: int, connect_timeout_s: float, user_agent: str | None = None, keep_cookies: bool = False
    ) -> None:
        self._connections = connections
        self._connect_timeout_s = connect_timeout_s
        self._own_headers = {"Accept": "*/*"} | ({"User-Agent": user_agent} if user_agent else {})
        self._cookies = _cookies() if keep_cookies else None
        self._places = Places(connections)
        self._open: set[Connection] = set()
        self._idle: dict[Origin, list[Connection]] = {}  # closed ones among them
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._proxies: dict[Origin, Proxy | None] = {}
        self._scratch = bytearray(SCRATCH_BYTES)
        self._sockets: Sockets | None = None
        self._context: ssl.SSLContext | None = None
        self._clock: asyncio.TimerHandle | None = None

    async def send(self, request: Request) -> Response:
        """The answer, of whatever status; whoever gets it reads it to its end or closes it.

        Raises UnansweredError when none comes, BrokenError when it breaks off in what is read ahead.
        """
        origin, target = address_of(request.url)
        head = self._head(request, origin, target)
        loop = asyncio.get_running_loop()
        ends_at_s = math.inf if request.timeout_s is None else loop.time() + request.timeout_s
        while True:
            if not self._places.take_one():
                await self._queue(ends_at_s)
            connection = self._idle_to(origin) or await self._dialled(origin, ends_at_s)
            reused = connection.used
            if self._clock is None:
                self._clock = loop.call_later(LOOK_EVERY_S, self._look_at_the_time, loop)
            response = Response(
                request,
                unpacks="Accept-Encoding" not in request.headers,
                scratch=self._scratch,
                done=self._take_back,
            )
            try:
                await response.arrive(connection, head, ends_at_s=ends_at_s)
            except UnansweredError as exc:
                response.close()
                if exc.timed_out or not (reused and response.untouched and request.method in _REPEATABLE):
                    raise
                # It had been closed at the other end, and others that were idle as long may have been, too.
                _hang_up(self._idle.pop(origin, []))
            except BaseException:
                response.close()
                raise
            else:
                if self._cookies is not None:
                    self._cookies.keep(response.headers("Set-Cookie"), url=request.url)
                return response

    async def close(self) -> None:
        """Let go of connections; what is under way breaks off. Idempotent."""
        for connection in tuple(self._open):
            if connection.taker is not None:
                connection.taker.fail("The client was closed")
        _hang_up(tuple(self._open))
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._sockets is not None:
            self._sockets.close()
            self._sockets = None

    def _head(self, request: Request, origin: Origin, target: str) -> bytes:
        """What goes before a body."""
        proxy = self._proxy(origin)
        if proxy is not None and origin.scheme == "http":
            target = f"http://{origin.authority}{target}"
        size = "" if request.body is None else f"Content-Length: {len(request.body)}\r\n"
        headers: Mapping[str, str] = request.headers
        if self._cookies is not None:
            headers = {**headers, **self._cookies.header_for(request.url)}
        told = self._headers(headers, origin, proxy)
        return f"{request.method} {target} HTTP/1.1\r\n{size}".encode() + told

    def _headers(self, given: Mapping[str, str], origin: Origin, proxy: Proxy | None) -> bytes:
        """The headers that many requests have alike, and the end of a head."""
        kept = self._heads.get(key := (origin, *given.items()))
        if kept is not None:
            return kept
        headers = {"Host": origin.authority, "Accept-Encoding": "gzip"} | self._own_headers | dict(given)
        if proxy is not None and proxy.authorization is not None and origin.scheme == "http":
            headers["Proxy-Authorization"] = proxy.authorization
        if not all(map(_PLAIN.fullmatch, headers.values())):
            raise UnansweredError("This cannot be asked: a header holds what is none")
        if len(self._heads) >= HEADS_KEPT:
            self._heads.clear()
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._heads[key] = encoded = f"{told}\r\n".encode()
        return encoded

    def _proxy(self, origin: Origin) -> Proxy | None:
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]

    async def _queue(self, ends_at_s: float) -> None:
        """Wait for a connection's turn."""
        try:
            async with asyncio.timeout_at(None if ends_at_s == math.inf else ends_at_s):
                await self._places.wait_for_one()
        except TimeoutError as exc:
            raise UnansweredError("Every connection was in use", timed_out=True) from exc

    def _idle_to(self, origin: Origin) -> Connection | None:
        """A connection that has carried an answer, and stands as far as we know."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.closed:
                continue
            if monotonic() - connection.idle_since_s <= IDLE_S_MAX:
                return connection
            connection.leave(keep=False)
        return None

    async def _dialled(self, origin: Origin, ends_at_s: float) -> Connection:
        """A new connection, for whoever has a place; the place is given back when there can be none."""
        try:
            return await self._connected(origin, ends_at_s)
        except BaseException:
            self._places.give_back()
            raise

    async def _connected(self, origin: Origin, ends_at_s: float) -> Connection:
        self._make_room()
        sockets = self._sockets = self._sockets or open_sockets()
        within_s = min(self._connect_timeout_s, ends_at_s - asyncio.get_running_loop().time())
        connected = await dial(origin, proxy=self._proxy(origin), trusted=self._trusted, within_s=within_s)
        if self._sockets is not sockets:
            connected.close()
            raise UnansweredError("The client was closed")
        connection = Connection(connected, origin=origin, sockets=sockets)
        self._open.add(connection)
        return connection

    def _make_room(self) -> None:
        """Hang up where nobody has asked for longest, so that connections stay as many as they may be."""
        self._open = {each for each in self._open if not each.closed}
        self._idle = {origin: [each for each in idle if not each.closed] for origin, idle in self._idle.items()}
        idle = [connection for each in self._idle.values() for connection in each]
        if idle and len(self._open) >= self._connections:
            min(idle, key=lambda connection: connection.idle_since_s).leave(keep=False)

    def _trusted(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = trust()
        return self._context

    def _take_back(self, connection: Connection) -> None:
        self._places.give_back()
        if not connection.closed:
            self._idle.setdefault(connection.origin, []).append(connection)

    def _look_at_the_time(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s, waited_for = loop.time(), False
        for connection in tuple(self._open):
            if connection.taker is not None:
                waited_for = True
                connection.taker.look_at_the_time(now_s)
        self._clock = loop.call_later(LOOK_EVERY_S, self._look_at_the_time, loop) if waited_for else None


def _hang_up(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.leave(keep=False)


def _cookies() -> "Cookies":
    from imageferry.http.cookies import Cookies  # noqa: PLC0415 - few need them, and they are long to import

    return Cookies()
