"""Bodies of requests: read whole, within bounds of size and time, before any route sees them."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.gateway.protocol.problems import refusal

BODY_BYTES_MAX = 1024 * 1024
# How long a body may take to arrive.
BODY_S = 30.0
# How long a body that is refused may go on.
DRAIN_S = 10.0
_CLOSING = {"Connection": "close"}
_TOO_LARGE = refusal(413, f"The body is larger than {BODY_BYTES_MAX:,} bytes.", headers=_CLOSING)


class Bodies:
    """Refuses bodies that are too large, or too slow."""

    def __init__(self, app: ASGIApp, *, body_s: float = BODY_S) -> None:
        self._app = app
        self._body_s = body_s
        self._too_slow = refusal(408, f"The body did not arrive within {body_s:g} seconds.", headers=_CLOSING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced_bytes(Headers(scope=scope)) > BODY_BYTES_MAX:
            await refuse(_TOO_LARGE, scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._body_s):
                body = await _whole_body(receive)
        except TimeoutError:
            await self._too_slow(scope, receive, send)
            return
        if body is None:
            await refuse(_TOO_LARGE, scope, receive, send)
        else:
            await self._app(scope, body, send)


async def refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, and let the rest of the body run dry: a client that still sends would only see a reset."""

    async def held_open(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await answer(scope, receive, held_open)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


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
