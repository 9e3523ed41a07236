"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know of them."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from imageferry.gateway.openapi.examples import give_examples
from imageferry.gateway.openapi.field_docs import EXAMPLES, MEANINGS
from imageferry.gateway.protocol.problems import MEDIA_TYPE
from imageferry.gateway.schemas.problems import Problem
from imageferry.gateway.security.sessions import COOKIE

ABOUT = """Paste the link of a Google Drive folder; every image in it lands, verified, in your own object store.

An import is begun with `POST /api/import/google-drive` and answered at once with a job; `GET /api/events` tells how it
goes on.
Every error is a problem (RFC 9457) with a sentence that says what is wrong and, where it can be, how to mend it.
"""
TAGS = {
    "imports": "Beginning an import, and looking at a folder before that.",
    "jobs": "How imports go on, what became of each file, and what a person does with them.",
    "events": "Everything that changes, on one line.",
    "images": "What is stored: records, originals, thumbnails.",
    "stats": "Counts and sizes.",
    "health": "Signs of life.",
    "access": "Signing in, where a token is set.",
    "older systems": "What clients of older systems ask for at the root.",
}
# What each of our refusals means, whoever refuses.
REFUSALS = {
    HTTPStatus.BAD_REQUEST: "What was asked cannot be understood; `errors` names each thing that is wrong.",
    HTTPStatus.UNAUTHORIZED: "The gateway asks for its token.",
    HTTPStatus.FORBIDDEN: "Another site's page may not do this.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.CONFLICT: "It is not possible as things stand.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The Idempotency-Key was used for another request.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too often: `Retry-After` says when to try again.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The gateway failed; its log says why.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Something that the gateway leans on is away: try again later.",
}
METHODS = ("get", "post", "delete", "put", "patch")
_PROBLEM = "#/components/schemas/Problem"

Operation = dict[str, Any]


def describe(app: FastAPI, *, is_open: Callable[[str, str], bool]) -> None:
    """Let the app answer with the whole description; `is_open` tells by method and path what needs no token."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, is_open)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, is_open: Callable[[str, str], bool]) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document["components"]
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= schema.pop("$defs") | {"Problem": schema}
    components["responses"] = {status.name: _refusal(status, about) for status, about in REFUSALS.items()}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "IMAGEFERRY_API_TOKEN, where it is set."},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of who signed in."},
    }
    for model in components["schemas"].values():
        for name, field in model.get("properties", {}).items():
            _explain(field, name)
    names: set[str] = set()
    for path, method, operation in _operations(document):
        operation["summary"] = operation["summary"].lower().capitalize()
        name = operation["operationId"].partition("_api_")[0]
        if path.startswith("/api/") and name not in names:
            operation["operationId"] = name
            names.add(name)
        # Where no token is set, nothing is asked for.
        needs_token = not is_open(method.upper(), path)
        operation["security"] = [{}, {"token": []}, {"session": []}] if needs_token else [{}]
        for parameter in operation.get("parameters", []):
            _explain(parameter, parameter["name"], example=parameter["schema"])
        _tell_refusals(operation, path=path, method=method, needs_token=needs_token)
    give_examples(document)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield path, method, operations[method]


def _explain(field: dict[str, Any], name: str, *, example: dict[str, Any] | None = None) -> None:
    """Say what a field or parameter means, and what it could be, where its own place says nothing."""
    if name in MEANINGS and not field.get("description"):
        field["description"] = MEANINGS[name]
    shown = field if example is None else example
    if name in EXAMPLES and "examples" not in shown:
        shown["examples"] = [EXAMPLES[name]]


def _tell_refusals(operation: Operation, *, path: str, method: str, needs_token: bool) -> None:
    """Name each refusal that an operation can be answered with, instead of "any".

    A status that a route speaks of itself keeps its words.
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
            response.setdefault("content", _content())
    operation["responses"] = dict(sorted(responses.items()))


def _refusal(status: HTTPStatus, about: str) -> dict[str, Any]:
    example = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": about, "error": about}
    answer = {"description": about, "content": _content(example)}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        answer["headers"] = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
    return answer


def _content(example: dict[str, Any] | None = None) -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}} | ({} if example is None else {"example": example})}
