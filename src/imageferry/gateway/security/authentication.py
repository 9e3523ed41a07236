"""Access: where a token is set, nobody comes in without it or a session."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.protocol.root_path import own_path
from imageferry.gateway.security.rate_limiter import Rate, client_of
from imageferry.gateway.security.rate_limits import too_often
from imageferry.gateway.security.request_bodies import refuse
from imageferry.gateway.security.sessions import COOKIE, Sessions

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="imageferry"'}


class Access:
    """Refuses whoever brings neither the token nor a session, but to what `is_open` says of a method and a path."""

    def __init__(
        self, app: ASGIApp, *, sessions: Sessions | None, guesses: Rate, is_open: Callable[[str, str], bool]
    ) -> None:
        """`sessions` is None where no token is set: then everybody is let in."""
        self._app = app
        self._sessions = sessions
        self._guesses = guesses
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        if (
            scope["type"] == "http"
            and self._sessions is not None
            and not self._is_open(scope["method"], own_path(scope))
        ):
            refused = self._refusal(scope, self._sessions)
            if refused is not None:
                await refuse(refused, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, sessions: Sessions) -> Response | None:
        headers = Headers(scope=scope)
        session = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if session is not None and sessions.knows(session):
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return refusal(
                401,
                "This gateway asks for its token: send Authorization: Bearer, or open the link that it printed when "
                "it started.",
                headers=CHALLENGE,
            )
        client = client_of(scope)
        # Not even looked at: a guess that is right would be told by being let in.
        if wait_s := self._guesses.wait_s(client):
            return too_often(wait_s)
        if sessions.is_token(token.strip()):
            return None
        self._guesses.count(client)
        return refusal(401, "This is not the gateway's token.", headers=CHALLENGE)
