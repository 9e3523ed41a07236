"""The OpenAPI document: what FastAPI derives from the routes, completed with what it can't derive."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from imageferry.gateway.openapi.examples import add_examples
from imageferry.gateway.openapi.field_docs import DESCRIPTIONS, EXAMPLES
from imageferry.gateway.protocol.problems import MEDIA_TYPE
from imageferry.gateway.schemas.problems import Problem
from imageferry.gateway.security.sessions import COOKIE

DESCRIPTION = """Copies every image of a Google Drive folder into your own object storage and verifies each one.

`POST /api/import/google-drive` starts an import and returns a job at once. `GET /api/events` streams its progress.
Every error is a problem (RFC 9457) with a sentence that says what is wrong and, where possible, how to fix it.
"""
TAGS = {
    "imports": "Preview and start imports.",
    "jobs": "Progress, history and control of imports, and the result of each file.",
    "events": "A stream of all changes.",
    "images": "Stored images: records, originals, thumbnails and statistics.",
    "system": "Version, configuration and demo.",
    "health": "Health checks and metrics.",
    "authentication": "Signing in, when an access token is set.",
    "legacy clients": "Root paths for clients of older systems.",
}
# What each error status means, for any operation.
ERROR_DESCRIPTIONS = {
    HTTPStatus.BAD_REQUEST: "The request is invalid; `errors` lists each error in it.",
    HTTPStatus.UNAUTHORIZED: "The request needs a valid access token.",
    HTTPStatus.FORBIDDEN: "Pages of other sites can't do this.",
    HTTPStatus.NOT_FOUND: "The resource does not exist.",
    HTTPStatus.CONFLICT: "Not possible in the current state.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request body is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The Idempotency-Key was already used for a different request.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests: try again after `Retry-After` seconds.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The gateway failed; its log has the details.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A service that the gateway needs is unavailable: try again later.",
}
METHODS = ("get", "post", "delete", "put", "patch")
_PROBLEM = "#/components/schemas/Problem"

Operation = dict[str, Any]


def install_openapi(app: FastAPI, *, is_public: Callable[[str, str], bool]) -> None:
    """Make the app serve the completed document. `is_public(method, path)` returns whether no token is needed."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, is_public)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, is_public: Callable[[str, str], bool]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document["components"]
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= schema.pop("$defs") | {"Problem": schema}
    components["responses"] = {
        status.name: _error_response(status, text) for status, text in ERROR_DESCRIPTIONS.items()
    }
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The access token (IMAGEFERRY_API_TOKEN)."},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The session cookie."},
    }
    for model in components["schemas"].values():
        for name, field in model.get("properties", {}).items():
            _add_field_docs(field, name)
    names: set[str] = set()
    for path, method, operation in _operations(document):
        if operation["summary"].istitle():  # FastAPI's default, from the function's name
            operation["summary"] = operation["summary"].lower().capitalize()
        name = operation["operationId"].partition("_api_")[0]
        if path.startswith("/api/") and name not in names:
            operation["operationId"] = name
            names.add(name)
        # {}: without credentials, which is enough when no token is set.
        needs_token = not is_public(method.upper(), path)
        operation["security"] = [{}, {"token": []}, {"session": []}] if needs_token else [{}]
        for parameter in operation.get("parameters", []):
            _add_field_docs(parameter, parameter["name"], schema=parameter["schema"])
        _list_errors(operation, path=path, method=method, needs_token=needs_token)
    add_examples(document)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield path, method, operations[method]


def _add_field_docs(field: dict[str, Any], name: str, *, schema: dict[str, Any] | None = None) -> None:
    """Add the default description and example of a field or parameter where it has none of its own.

    A parameter's example belongs into its `schema`.
    """
    if name in DESCRIPTIONS and not field.get("description"):
        field["description"] = DESCRIPTIONS[name]
    target = field if schema is None else schema
    if name in EXAMPLES and "examples" not in target:
        target["examples"] = [EXAMPLES[name]]


def _list_errors(operation: Operation, *, path: str, method: str, needs_token: bool) -> None:
    """Replace an operation's 4XX and 5XX by the error statuses that it can have.

    A status that the route documents itself keeps its description.
    """
    responses = operation["responses"]
    if "4XX" not in responses:
        return
    del responses["4XX"], responses["5XX"]
    possible = [HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE]
    if needs_token:
        possible += [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS]
    if "{" in path or method != "get" or path.startswith("/api/import/"):
        possible.append(HTTPStatus.NOT_FOUND)
    if method != "get":
        possible += [HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE]
    if any(parameter["name"] == "idempotency-key" for parameter in operation.get("parameters", [])):
        possible.append(HTTPStatus.UNPROCESSABLE_ENTITY)
    for status in possible:
        responses.setdefault(str(int(status)), {"$ref": f"#/components/responses/{status.name}"})
    for status, response in responses.items():
        if status >= "400" and "$ref" not in response:
            response.setdefault("content", _problem_content())
    operation["responses"] = dict(sorted(responses.items()))


def _error_response(status: HTTPStatus, text: str) -> dict[str, Any]:
    example = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": text, "error": text}
    response = {"description": text, "content": _problem_content(example)}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response["headers"] = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
    return response


def _problem_content(example: dict[str, Any] | None = None) -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}} | ({} if example is None else {"example": example})}
