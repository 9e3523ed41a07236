"""Request body limits: bodies are read completely, within a size and time limit, before a route sees them."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.gateway.protocol.problems import problem_response

BODY_BYTES_MAX = 1024 * 1024
BODY_TIMEOUT_S = 30.0
# How long to keep reading a body that has been rejected.
DRAIN_TIMEOUT_S = 10.0
_CLOSE = {"Connection": "close"}
_TOO_LARGE = problem_response(413, f"The request body is larger than {BODY_BYTES_MAX:,} bytes.", headers=_CLOSE)


class RequestBodyMiddleware:
    """Rejects request bodies that are too large or too slow."""

    def __init__(self, app: ASGIApp, *, timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._app = app
        self._timeout_s = timeout_s
        detail = f"The request body did not arrive within {timeout_s:g} seconds."
        self._too_slow = problem_response(408, detail, headers=_CLOSE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _content_length(Headers(scope=scope)) > BODY_BYTES_MAX:
            await respond_and_drain(_TOO_LARGE, scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                receive_body = await _read_body(receive)
        except TimeoutError:
            await self._too_slow(scope, receive, send)
            return
        if receive_body is None:
            await respond_and_drain(_TOO_LARGE, scope, receive, send)
        else:
            await self._app(scope, receive_body, send)


async def respond_and_drain(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond at once, then read the rest of the request body.

    Otherwise a client that is still sending would see a connection reset instead of the response.
    """

    async def send_without_end(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await response(scope, receive, send_without_end)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _content_length(headers: Headers) -> int:
    value = headers.get("content-length", "")
    return int(value) if value.isdecimal() else 0


async def _read_body(receive: Receive) -> Receive | None:
    """Read a request's body; return a callable that delivers it in one message. None when it is too large."""
    body = bytearray()
    message: Message = {"more_body": True}
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
    return _deliver_first({**message, "body": bytes(body)}, receive)


def _deliver_first(message: Message, receive: Receive) -> Receive:
    pending = [message]

    async def receive_next() -> Message:
        return pending.pop() if pending else await receive()

    return receive_next
