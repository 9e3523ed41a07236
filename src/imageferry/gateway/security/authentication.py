"""Authentication: when an access token is set, requests need the token or a session."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.protocol.root_path import path_below_root
from imageferry.gateway.security.rate_limits import RateLimits
from imageferry.gateway.security.request_bodies import respond_and_drain
from imageferry.gateway.security.sessions import COOKIE, Sessions

# Name in a request's state: the cookie value of the session that allowed it.
SESSION_STATE = "session"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="imageferry"'}


class AuthenticationMiddleware:
    """Rejects requests without the token or a session, except those that `is_public(method, path)` allows."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        sessions: Sessions | None,
        rate_limits: RateLimits,
        is_public: Callable[[str, str], bool],
    ) -> None:
        """`sessions` is None when no token is set; then every request is allowed."""
        self._app = app
        self._sessions = sessions
        self._rate_limits = rate_limits
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        if (
            scope["type"] == "http"
            and self._sessions is not None
            and not self._is_public(scope["method"], path_below_root(scope))
        ):
            rejection = await self._rejection(scope, self._sessions)
            if rejection is not None:
                await respond_and_drain(rejection, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _rejection(self, scope: Scope, sessions: Sessions) -> Response | None:
        headers = Headers(scope=scope)
        session = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if session is not None and sessions.is_valid_session(session):
            scope.setdefault("state", {})[SESSION_STATE] = session
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return problem_response(
                401,
                "This gateway requires an access token. Send it as Authorization: Bearer, or open the sign-in link "
                "that the gateway printed when it started.",
                headers=CHALLENGE,
            )
        # Checked before any limit: wrong tokens from behind the same proxy must not lock out who has the right one.
        if sessions.is_valid_token(token.strip()):
            return None
        wrong = problem_response(401, "The access token is wrong.", headers=CHALLENGE)
        return await self._rate_limits.answer_wrong_guess(scope, wrong)
