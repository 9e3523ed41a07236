"""Middleware that measures requests for the metrics."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Clients choose paths and methods: labels have only known values, so that their number is bounded.
UNMATCHED_ROUTE = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "OTHER"


class RequestMetricsMiddleware:
    """Reports method, route template, status and duration of every HTTP request to `observe`.

    The duration ends with the last byte of the response. Status 500 stands for a request without a response.
    """

    def __init__(self, app: ASGIApp, *, observe: Callable[..., None]) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started_s = time.monotonic()

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
            self._observe(
                method=method, route=_route_template(scope), status=status, duration_s=time.monotonic() - started_s
            )


def _route_template(scope: Scope) -> str:
    # `route` lacks the prefixes of the routers that include it; FastAPI keeps the whole path beside it.
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return str(getattr(route, "path", UNMATCHED_ROUTE))
