"""Problem details (RFC 9457): the one shape of every error."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageferry.errors import ImageferryError, NotFoundError, PermanentError, TransientError, UsageError
from imageferry.gateway.schemas import Flaw, Problem

MEDIA_TYPE = "application/problem+json"
FLAWS_MAX = 20

_SHAPE = {"content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
# What each operation's description says of errors.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is refused, without any effect.", **_SHAPE},
    "5XX": {"description": "Something that the gateway leans on is away, or it failed.", **_SHAPE},
}

log = structlog.get_logger()


def refusal(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    flaws: Sequence[Flaw] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response; `code` is stable, `detail` a sentence for a person."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, error=detail, code=code, errors=list(flaws)
    )
    return JSONResponse(
        problem.model_dump(exclude_defaults=True) | {"type": problem.type},
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Answer errors that routes raise with problems."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(ImageferryError, _of_imageferry)


class Net:
    """What no handler caught: it is logged, and answered without a word of what it was."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
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
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if begun:
                raise  # only a cut connection can tell the client that the body is not whole
            answer = refusal(500, "The gateway failed; its log says why.")
            await answer(scope, receive, send)


async def _of_http(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - the handler's own registration says so
    return refusal(exc.status_code, _SENTENCES.get(exc.status_code, exc.detail), headers=exc.headers)


async def _of_validation(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - the handler's own registration says so
    # The input itself is not repeated: it may be long, and it may be secret.
    flaws = [
        Flaw(where=".".join(str(step) for step in error["loc"]), what=str(error["msg"]).removeprefix("Value error, "))
        for error in exc.errors()[:FLAWS_MAX]
    ]
    return refusal(400, "; ".join(f"{flaw.where}: {flaw.what}" for flaw in flaws) + ".", flaws=flaws)


async def _of_imageferry(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, ImageferryError)  # noqa: S101 - the handler's own registration says so
    headers = {}
    if isinstance(exc, TransientError) and exc.retry_after_s is not None:
        headers["Retry-After"] = str(ceil(exc.retry_after_s))
    return refusal(_status(exc), exc.message, code=exc.reason, headers=headers)


def _status(exc: ImageferryError) -> HTTPStatus:
    match exc:
        case UsageError():
            return HTTPStatus.BAD_REQUEST
        case NotFoundError():
            return HTTPStatus.NOT_FOUND
        case PermanentError():
            return HTTPStatus.CONFLICT
        case _:
            return HTTPStatus.SERVICE_UNAVAILABLE


_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}
