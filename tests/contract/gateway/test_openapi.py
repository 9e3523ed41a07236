"""The OpenAPI document: its completeness, and the gateway's conformance to it."""

import asyncio
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import quote

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from imageferry.demo.tree import Tree
from imageferry.gateway.app import create_app
from imageferry.settings import Settings
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow
from tests.drivers.legacy_clients import create_album

EXAMPLES_PER_OPERATION = 15
EXISTING_SHARE = 0.7  # of the requested ids
# The event stream never ends, so it has no response to check.
ENDLESS_PATH = "/api/events"
HOSTILE = [
    "' OR 1=1 --",
    '"; DROP TABLE images; --',
    "%' UNION SELECT * FROM jobs --",
    "../../../etc/passwd",
    "..%2f..%2fetc/passwd",
    "\0",
    "\ud7ff\uffff\U0010ffff",
    "-1",
    "9" * 18,
    "9" * 400,
    "1e308",
    "NaN",
    "x" * 5000,
    "{{7*7}}${7*7}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "[" * 500,
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def document() -> dict[str, Any]:
    return create_app(Settings.load()).openapi()


def test_the_document_is_valid() -> None:
    spec = document()
    validate(spec)
    assert spec["openapi"].startswith("3.1")


def test_every_operation_has_a_description_and_error_responses() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert operation["tags"], (method, path)
            errors = {status for status in operation["responses"] if status >= "400"}
            assert errors >= {"400", "500", "503"}, (method, path)
            assert all(status.isdecimal() for status in errors)


def test_every_parameter_and_field_has_a_description() -> None:
    spec = document()
    undocumented = [
        f"{path}: {parameter['name']}"
        for path, operations in spec["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    for schema_name, schema in spec["components"]["schemas"].items():
        fields = schema.get("properties", {}).items()
        undocumented += [f"{schema_name}.{name}" for name, field in fields if not field.get("description")]
    assert undocumented == []


def test_every_json_body_has_a_valid_example() -> None:
    spec = document()
    examples = 0
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            responses = [response for status, response in operation["responses"].items() if status < "300"]
            for body in [operation.get("requestBody", {}), *responses]:
                media_type = body.get("content", {}).get("application/json")
                if media_type is not None:
                    schema = media_type["schema"] | {"components": spec["components"]}
                    errors = [error.message for error in OAS31Validator(schema).iter_errors(media_type["example"])]
                    assert errors == [], (method, path)
                    examples += 1
    assert examples > 30


def test_operations_that_need_a_token_declare_the_security_schemes() -> None:
    spec = document()
    schemes = spec["components"]["securitySchemes"]
    assert (schemes["token"]["type"], schemes["token"]["scheme"]) == ("http", "bearer")
    assert (schemes["session"]["type"], schemes["session"]["in"]) == ("apiKey", "cookie")
    assert spec["paths"]["/api/images"]["get"]["security"] == [{}, {"token": []}, {"session": []}]
    assert spec["paths"]["/health"]["get"]["security"] == [{}]


def test_operation_ids_are_unique() -> None:
    names = [
        operation["operationId"] for operations in document()["paths"].values() for operation in operations.values()
    ]
    assert len(names) == len(set(names))


async def test_generated_requests_are_answered_as_documented(tree: Tree, flow: ImportFlow, rng: Random) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        job_ids = [
            (await gateway.import_folder(flow.drive.folder_url(create_album(tree, files=20))))["job_id"]
            for _ in range(3)
        ]
        image_ids = [image["id"] for image in await gateway.get("/images")]
        ids = {"job_id": job_ids, "image_id": image_ids}
        folder_url = flow.drive.folder_url(create_album(tree))
        statuses = await asyncio.to_thread(_request_all_operations, gateway.url, folder_url, ids, rng)
        assert (await gateway.get("/readyz"))["status"] == "healthy"
    # Not all requests were rejected.
    assert statuses.keys() >= {200, 202, 204, 400, 404}


def _request_all_operations(url: str, folder_url: str, ids: dict[str, list[Any]], rng: Random) -> Counter[int]:
    """Send generated requests to every operation, with existing and unknown ids; count the responses by status."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path=ENDLESS_PATH)
    failures, statuses = list[str](), Counter[int]()
    seed = rng.getrandbits(32)

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.seed(seed)
        @given(case=operation.as_strategy())
        def send(case: Case[Any]) -> None:
            for name in case.path_parameters.keys() & ids.keys():
                if rng.random() < EXISTING_SHARE:
                    case.path_parameters[name] = rng.choice(ids[name])
            if case.path.endswith("/google-drive") and rng.random() < EXISTING_SHARE:
                case.body = {"folder_url": folder_url}
            statuses[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

        try:
            send()
        except Exception as exc:  # noqa: BLE001 - all failures are reported together
            failures.append(f"{operation.label}: {exc}")
    assert not failures, "\n\n".join(failures)
    return statuses


async def test_hostile_parameter_values_are_answered_and_change_nothing(tree: Tree, flow: ImportFlow) -> None:
    async with running_gateway(on_free_port(flow)) as gateway:
        job_id = (await gateway.import_folder(flow.drive.folder_url(create_album(tree))))["job_id"]
        before = await gateway.get("/images")
        for path, operations in document()["paths"].items():
            for parameter in operations.get("get", {}).get("parameters", []):
                if path == ENDLESS_PATH or parameter["in"] not in {"path", "query"}:
                    continue
                for value in HOSTILE:
                    url = path.replace("{job_id}", job_id).replace("{image_id}", str(before[0]["id"]))
                    if parameter["in"] == "path":
                        url = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
                    query = {parameter["name"]: value} if parameter["in"] == "query" else None
                    async with gateway.session.get(url, params=query, allow_redirects=False) as response:
                        assert response.status < 500, (url, query, await response.text())
                        assert parameter["in"] == "query" or response.status >= 400, (url, await response.text())
        assert [image["id"] for image in await gateway.get("/images")] == [image["id"] for image in before]
        assert (await gateway.get("/readyz"))["status"] == "healthy"
