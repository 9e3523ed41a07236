"""Problem details (RFC 9457): the format of every error response."""

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
from imageferry.gateway.protocol.root_path import path_below_root
from imageferry.gateway.schemas.problems import FieldError, Problem
from imageferry.log import log

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "DELETE")  # that the routes use
FIELD_ERRORS_MAX = 20
# For a 503 whose duration is unknown.
RETRY_AFTER_S = 5

# Paths of the older systems' clients, which expect 500 for every failure of the server.
_LEGACY_PATHS = ("/import/", "/images")
# Declares that any operation may fail; openapi/document.py replaces this with the possible statuses.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request was rejected and had no effect."},
    "5XX": {"description": "The gateway failed, or a service that it needs is unavailable."},
}


def problem_response(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem as a response. A 503 has Retry-After.

    `detail` is a sentence for people, `code` a stable reason for programs.
    """
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, error=detail, code=code, errors=list(errors)
    )
    retry_after = {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse(
        {"type": problem.type} | problem.model_dump(exclude_defaults=True),
        status_code=status,
        headers={**retry_after, **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Make the app answer errors raised by routes with problems."""
    for kind in (HTTPException, RequestValidationError, ImageferryError):
        app.add_exception_handler(kind, _error_response)


class CatchAllMiddleware:
    """Logs exceptions that no handler caught, and answers them with a 500 that reveals nothing about them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""
        response_started = False

        async def send_and_record(message: Message) -> None:
            nonlocal response_started
            response_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        except ClientDisconnect:
            pass
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if response_started:
                raise  # only a cut connection can show the client that the body is incomplete
            response = problem_response(500, "Something went wrong. The gateway's log has the details.")
            await response(scope, receive, send)


async def _error_response(request: Request, exc: Exception) -> JSONResponse:
    match exc:
        case HTTPException():
            is_other_method = exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED
            headers = {"Allow": ", ".join(_allowed_methods(request))} if is_other_method else exc.headers
            return problem_response(exc.status_code, _MESSAGES.get(exc.detail, exc.detail), headers=headers)
        case RequestValidationError():
            errors = [_field_error(error) for error in exc.errors()[:FIELD_ERRORS_MAX]]
            detail = "; ".join(f"{error.field}: {error.message}" for error in errors) + "."
            return problem_response(400, detail, errors=errors)
        case ImageferryError():
            status = _status(exc)
            path = path_below_root(request.scope)
            if status is HTTPStatus.SERVICE_UNAVAILABLE and path.startswith(_LEGACY_PATHS):
                status = HTTPStatus.INTERNAL_SERVER_ERROR
            return problem_response(status, exc.message, code=exc.reason, headers=_retry_after(exc))
        case _:
            raise exc


def _allowed_methods(request: Request) -> Iterator[str]:
    """Yield the methods that a URL supports. The framework names those of one of its routes only."""
    for method in METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield method


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """Return a validation error without the input, which may be long or secret."""
    part, *path = map(str, error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return FieldError(field=part, message=f"not valid JSON ({error['ctx']['error']})")
    return FieldError(field=".".join(path) or part, message=_MESSAGES.get(error["type"], message))


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


# Our sentences, by the framework's sentence or error type.
_MESSAGES = {
    "Not Found": "There is nothing at this URL.",
    "Method Not Allowed": "This URL doesn't support this method.",
    "There was an error parsing the body": "The request body is not valid JSON.",
    "extra_forbidden": "unknown option",
    "missing": "required",
    "string_pattern_mismatch": "must not contain the NUL character",
    "model_attributes_type": "send a JSON object with Content-Type: application/json",
}
