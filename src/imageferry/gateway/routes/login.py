"""Signing in: a browser exchanges a one-time link or the access token for a session cookie."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from imageferry.catalog.database.ended_sessions import end_session
from imageferry.gateway.dependencies import Gateway, GatewayDep
from imageferry.gateway.protocol.problems import problem_response
from imageferry.gateway.security.authentication import CHALLENGE
from imageferry.gateway.security.sessions import COOKIE, SESSION_S, Sessions

PUBLIC_PATHS = frozenset({"/login", "/logout"})
_NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(tags=["authentication"])


class LoginRequest(BaseModel):
    """The access token, to sign in without a link."""

    token: Annotated[str, Field(max_length=1024)]


@router.get("/login", response_class=RedirectResponse, status_code=303)
async def sign_in_with_link(
    request: Request, gateway: GatewayDep, code: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Sign in with the link that the gateway prints when it starts; it is valid once, for ten minutes.

    Sets the session cookie and redirects to the web page.
    """
    response = RedirectResponse(_home_path(request), 303)
    return await _sign_in(request, gateway, response, check=lambda sessions: sessions.redeem_login_code(code))


@router.post("/login", status_code=204)
async def sign_in(login_request: LoginRequest, request: Request, gateway: GatewayDep) -> Response:
    """Sign in with the access token. Sets the session cookie."""
    response = Response(status_code=204)
    token = login_request.token
    return await _sign_in(request, gateway, response, check=lambda sessions: sessions.is_valid_token(token))


@router.post("/logout", status_code=204)
async def sign_out(request: Request, gateway: GatewayDep) -> Response:
    """Sign out: end the session, also for whoever has a copy of its cookie, and delete the cookie of this browser."""
    sessions = gateway.sessions
    if sessions is not None and (session_id := sessions.session_id(request.cookies.get(COOKIE, ""))):
        end = partial(end_session, session_id=session_id, lifetime_ms=SESSION_S * 1000)
        sessions.add_ended({session_id: await gateway.write(end)})
    response = Response(status_code=204, headers=_NO_STORE)
    response.delete_cookie(COOKIE, path=_home_path(request), httponly=True, samesite="strict")
    return response


async def _sign_in(
    request: Request, gateway: Gateway, response: Response, *, check: Callable[[Sessions], bool]
) -> Response:
    """Return the response with a session cookie if `check` accepts the credential, otherwise 401 or 429.

    When no token is required, return the response unchanged.
    """
    sessions = gateway.sessions
    if sessions is None:
        return response
    if not check(sessions):
        wrong = problem_response(
            401,
            "The link or token is not valid. A link works once, for ten minutes; restart the gateway to get a new one.",
            headers=CHALLENGE,
        )
        return await gateway.rate_limits.answer_wrong_guess(request.scope, wrong)
    response.headers.update(_NO_STORE)
    response.set_cookie(
        COOKIE,
        sessions.create_session(),
        max_age=SESSION_S,
        path=_home_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def _home_path(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/"
