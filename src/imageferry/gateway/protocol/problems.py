"""Problem details (RFC 9457): the one shape of every error."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.errors import (
    ConflictError,
    ImageferryError,
    KeyReusedError,
    NotFoundError,
    PermanentError,
    TransientError,
    UsageError,
)
from imageferry.gateway.protocol.root_path import own_path
from imageferry.gateway.schemas.problems import Flaw, Problem
from imageferry.log import log

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "DELETE")  # that routes of ours take
FLAWS_MAX = 20
# Of a 503, where nothing is known of how long it will be.
RETRY_AFTER_S = 5

# Where the older systems' clients ask, who were told of every failure by 500.
_OLDER_PATHS = ("/import/", "/images")
# That an operation may be refused at all: description.py tells how.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is refused, without any effect."},
    "5XX": {"description": "Something that the gateway leans on is away, or it failed."},
}


def refusal(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    flaws: Sequence[Flaw] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response; `code` is stable, `detail` a sentence for a person. A 503 says when to ask again."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, error=detail, code=code, errors=list(flaws)
    )
    again = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse(
        {"type": problem.type} | problem.model_dump(exclude_defaults=True),
        status_code=status,
        headers={**again, **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Answer errors that routes raise with problems."""
    for kind in (HTTPException, RequestValidationError, ImageferryError):
        app.add_exception_handler(kind, _answer)


class Net:
    """What no handler caught: it is logged, and answered without a word of what it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            pass
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if begun:
                raise  # only a cut connection can tell the client that the body is not whole
            answer = refusal(500, "The gateway failed; its log says why.")
            await answer(scope, receive, send)


async def _answer(request: Request, exc: Exception) -> JSONResponse:
    match exc:
        case HTTPException():
            is_other_method = exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED
            headers = {"Allow": ", ".join(_allowed(request))} if is_other_method else exc.headers
            return refusal(exc.status_code, _IN_OUR_WORDS.get(exc.detail, exc.detail), headers=headers)
        case RequestValidationError():
            flaws = [_flaw(error) for error in exc.errors()[:FLAWS_MAX]]
            return refusal(400, "; ".join(f"{flaw.where}: {flaw.what}" for flaw in flaws) + ".", flaws=flaws)
        case ImageferryError():
            status = _status(exc)
            if status is HTTPStatus.SERVICE_UNAVAILABLE and own_path(request.scope).startswith(_OLDER_PATHS):
                status = HTTPStatus.INTERNAL_SERVER_ERROR
            return refusal(status, exc.message, code=exc.reason, headers=_retry_after(exc))
        case _:
            raise exc


def _allowed(request: Request) -> Iterator[str]:
    """The methods that an address takes; the framework tells those of one of its routes alone."""
    for method in METHODS:
        asked = {**request.scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            yield method


def _flaw(error: Mapping[str, Any]) -> Flaw:
    """What is wrong, without the input itself: it may be long, and it may be secret."""
    place, *steps = map(str, error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return Flaw(where=place, what=f"it is not JSON ({error['ctx']['error']})")
    return Flaw(where=".".join(steps) or place, what=_IN_OUR_WORDS.get(error["type"], said))


def _retry_after(exc: ImageferryError) -> dict[str, str]:
    if isinstance(exc, TransientError) and exc.retry_after_s is not None:
        return {"Retry-After": str(ceil(exc.retry_after_s))}
    return {}


def _status(exc: ImageferryError) -> HTTPStatus:
    match exc:
        case KeyReusedError():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case UsageError():
            return HTTPStatus.BAD_REQUEST
        case NotFoundError():
            return HTTPStatus.NOT_FOUND
        case PermanentError() | ConflictError():
            return HTTPStatus.CONFLICT
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE


# What the framework says, by its words or by its name for the flaw.
_IN_OUR_WORDS = {
    "Not Found": "There is nothing at this address.",
    "Method Not Allowed": "This address does not take this method.",
    "There was an error parsing the body": "The body is not JSON that can be read.",
    "extra_forbidden": "no such option",
    "missing": "it is missing",
    "string_pattern_mismatch": "the character 0 cannot stand in it",
    "model_attributes_type": "send a JSON object, with Content-Type: application/json",
}
