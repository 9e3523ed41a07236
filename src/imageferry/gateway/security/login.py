"""Signing in: a browser brings the one-time link or the token, and leaves with a session."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from imageferry.gateway.protocol.problems import refusal
from imageferry.gateway.security.authentication import CHALLENGE
from imageferry.gateway.security.rate_limiter import client_of
from imageferry.gateway.security.rate_limits import Dear, Rations, too_often
from imageferry.gateway.security.sessions import COOKIE, SESSION_S, Sessions

PATHS = frozenset({"/login", "/logout"})
_NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(tags=["access"])


class Login(BaseModel):
    """What a browser signs in with, where it has no link."""

    token: Annotated[str, Field(max_length=1024)]


@router.get("/login", response_class=RedirectResponse, status_code=303)
async def follow_link(request: Request, code: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The link that the gateway prints when it starts: good once, for ten minutes. Sets the cookie, shows the page."""
    return _signed_in(request, RedirectResponse(_home(request), 303), by=lambda sessions: sessions.redeem(code))


@router.post("/login", status_code=204)
async def sign_in(asked: Login, request: Request) -> Response:
    """Sign in with the token itself. Sets the cookie."""
    return _signed_in(request, Response(status_code=204), by=lambda sessions: sessions.is_token(asked.token))


@router.post("/logout", status_code=204)
async def sign_out(request: Request) -> Response:
    """Take the cookie back from this browser."""
    answer = Response(status_code=204, headers=_NO_STORE)
    answer.delete_cookie(COOKIE, path=_home(request), httponly=True, samesite="strict")
    return answer


def _signed_in(request: Request, answer: Response, *, by: Callable[[Sessions], bool]) -> Response:
    """The answer with a session's cookie, when what was brought is good; where no token is set, as it is."""
    sessions: Sessions | None = request.app.state.sessions
    rations: Rations = request.app.state.rations
    guesses = rations[Dear.GUESS]
    if sessions is None:
        return answer
    client = client_of(request.scope)
    if wait_s := guesses.wait_s(client):
        return too_often(wait_s)
    if not by(sessions):
        guesses.count(client)
        return refusal(
            401,
            "This opens nothing: a link is good once and for ten minutes, and a restart of the gateway prints another.",
            headers=CHALLENGE,
        )
    answer.headers.update(_NO_STORE)
    answer.set_cookie(
        COOKIE,
        sessions.begin(),
        max_age=SESSION_S,
        path=_home(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _home(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/"
