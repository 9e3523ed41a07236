"""The gate: what a request must satisfy before any route sees it."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.gateway.problems import refusal

BODY_BYTES_MAX = 1024 * 1024
# How long a body that is refused may go on.
DRAIN_S = 10.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOO_LARGE = refusal(413, f"The body is larger than {BODY_BYTES_MAX:,} bytes.", headers={"Connection": "close"})


class Gate:
    """Refuses foreign hosts, writes from other sites and large bodies; tells browsers not to guess types.

    The host is checked because a page of any site can have its own name resolve to this machine (DNS rebinding);
    the origin, because a page of any site can post here.
    """

    def __init__(self, app: ASGIApp, *, host: str, origins: Collection[str]) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {host.lower()}
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refused := self._refusal(scope["method"], Headers(scope=scope)):
            await _refuse(refused, scope, receive, _hardened(send))
        elif body := await _whole_body(receive):
            await self._app(scope, body, _hardened(send))
        else:
            await _refuse(_TOO_LARGE, scope, receive, _hardened(send))

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        if not self._knows_host(headers):
            return refusal(400, "The Host header does not name this gateway.")
        if method not in _SAFE_METHODS and not self._trusts_origin(headers):
            return refusal(403, "Another site's page may not do this: CORS_ORIGINS names those that may.")
        return _TOO_LARGE if _announced_bytes(headers) > BODY_BYTES_MAX else None

    def _knows_host(self, headers: Headers) -> bool:
        host = _split(f"//{headers.get('host', '')}").hostname
        return host in self._hosts

    def _trusts_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:  # not a browser, or not another site's page
            return headers.get("sec-fetch-site") not in {"cross-site", "same-site"}
        own = headers.get("host", "").lower()
        return _split(origin).netloc.lower() == own or bool(self._origins & {origin, "*"})


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that opens no IPv6 address
        return urlsplit("")


def _announced_bytes(headers: Headers) -> int:
    announced = headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


async def _whole_body(receive: Receive) -> Receive | None:
    """What gives a request's body in one piece; None when it is too large."""
    body = bytearray()
    message: Message = {"more_body": True}
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
    return _first({**message, "body": bytes(body)}, receive)


def _first(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, and let the rest of the body run dry: a client that still sends would only see a reset."""

    async def held_open(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await answer(scope, receive, held_open)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _hardened(send: Send) -> Send:
    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return hardened
