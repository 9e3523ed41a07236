"""What the OpenAPI document promises, and whether the gateway keeps it."""

import asyncio
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import quote

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
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow
from tests.drivers.legacy_clients import album

EXAMPLES_PER_OPERATION = 15
REAL = 0.7  # of the ids that are asked for
# A stream that never ends by itself has no answer to look at.
ENDLESS = "/api/events"
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


def test_the_document_is_one() -> None:
    described = document()
    validate(described)
    assert described["openapi"].startswith("3.1")


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert operation["tags"], (method, path)
            refusals = {status for status in operation["responses"] if status >= "400"}
            assert refusals >= {"400", "500", "503"}, (method, path)
            assert all(status.isdecimal() for status in refusals)


def test_every_parameter_and_every_field_says_what_it_means() -> None:
    described = document()
    silent = [
        f"{path}: {parameter['name']}"
        for path, operations in described["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    for name, schema in described["components"]["schemas"].items():
        fields = schema.get("properties", {}).items()
        silent += [f"{name}.{field}" for field, told in fields if not told.get("description")]
    assert silent == []


def test_every_json_body_has_an_example_that_its_schema_allows() -> None:
    described = document()
    shown = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            answers = [answer for status, answer in operation["responses"].items() if status < "300"]
            for body in [operation.get("requestBody", {}), *answers]:
                told = body.get("content", {}).get("application/json")
                if told is not None:
                    schema = told["schema"] | {"components": described["components"]}
                    wrong = [error.message for error in OAS31Validator(schema).iter_errors(told["example"])]
                    assert wrong == [], (method, path)
                    shown += 1
    assert shown > 30


def test_what_needs_a_token_says_how_it_is_shown() -> None:
    described = document()
    schemes = described["components"]["securitySchemes"]
    assert (schemes["token"]["type"], schemes["token"]["scheme"]) == ("http", "bearer")
    assert (schemes["session"]["type"], schemes["session"]["in"]) == ("apiKey", "cookie")
    assert described["paths"]["/api/images"]["get"]["security"] == [{}, {"token": []}, {"session": []}]
    assert described["paths"]["/health"]["get"]["security"] == [{}]


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"] for operations in document()["paths"].values() for operation in operations.values()
    ]
    assert len(names) == len(set(names))


async def test_whatever_is_asked_is_answered_as_the_document_says(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        job_ids = [(await gateway.run(flow.drive.folder_url(album(tree, files=20))))["job_id"] for _ in range(3)]
        image_ids = [image["id"] for image in await gateway.get("/images")]
        ids = {"job_id": job_ids, "image_id": image_ids}
        answers = await asyncio.to_thread(_ask_everything, gateway.url, flow.drive.folder_url(album(tree)), ids)
        assert (await gateway.get("/readyz"))["status"] == "healthy"
    # It was not all refused.
    assert answers.keys() >= {200, 202, 204, 400, 404}


def _ask_everything(url: str, folder_url: str, ids: dict[str, list[Any]]) -> Counter[int]:
    """Ask by every operation, about what is there as well as about what is not; how often each status was answered."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path=ENDLESS)
    random, wrong, answers = Random(0), list[str](), Counter[int]()

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Case[Any]) -> None:
            for name in case.path_parameters.keys() & ids.keys():
                if random.random() < REAL:
                    case.path_parameters[name] = random.choice(ids[name])
            if case.path.endswith("/google-drive") and random.random() < REAL:
                case.body = {"folder_url": folder_url}
            answers[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

        try:
            ask()
        except Exception as exc:  # noqa: BLE001 - all of them are told together
            wrong.append(f"{operation.label}: {exc}")
    assert not wrong, "\n\n".join(wrong)
    return answers


async def test_hostile_values_of_every_parameter_are_answered_and_harm_nothing(tree: Tree, flow: Flow) -> None:
    async with served(anywhere(flow)) as gateway:
        job_id = (await gateway.run(flow.drive.folder_url(album(tree))))["job_id"]
        before = await gateway.get("/images")
        for path, operations in document()["paths"].items():
            for parameter in operations.get("get", {}).get("parameters", []):
                if path == ENDLESS or parameter["in"] not in {"path", "query"}:
                    continue
                for value in HOSTILE:
                    asked = path.replace("{job_id}", job_id).replace("{image_id}", str(before[0]["id"]))
                    if parameter["in"] == "path":
                        asked = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
                    query = {parameter["name"]: value} if parameter["in"] == "query" else None
                    async with gateway.session.get(asked, params=query, allow_redirects=False) as answer:
                        assert answer.status < 500, (asked, query, await answer.text())
                        assert parameter["in"] == "query" or answer.status >= 400, (asked, await answer.text())
        assert [image["id"] for image in await gateway.get("/images")] == [image["id"] for image in before]
        assert (await gateway.get("/readyz"))["status"] == "healthy"
