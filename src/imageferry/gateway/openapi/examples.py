"""Whole bodies as examples, put together from what their fields could be."""

from typing import Any

from imageferry.gateway.openapi.field_docs import EXAMPLES

Schema = dict[str, Any]

# What a field could be that has no example of its own, by its format, else by its type.
_FORMATS = {"date": "2026-11-20", "date-time": "2026-11-20T12:00:00Z"}
_TYPES = {"string": "text", "boolean": True, "integer": 1, "number": 1.5}
_NULL, _TEXT = {"type": "null"}, {"type": "string"}


def give_examples(document: Schema) -> None:
    """Show one of each JSON body, where its route shows none; of what is asked, the part that says something."""
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            _show(operation.get("requestBody", {}), schemas, is_asked=True)
            for status, answer in operation["responses"].items():
                if status < "300":
                    _show(answer, schemas, is_asked=False)


def _show(body: Schema, schemas: dict[str, Schema], *, is_asked: bool) -> None:
    told = body.get("content", {}).get("application/json", {})
    if not told.get("schema") or told.keys() & {"example", "examples"}:
        return
    # A body that may be left out is shown.
    schema, *_ = told["schema"].get("anyOf", [told["schema"]])
    shown = _example(schema, schemas)
    if is_asked:
        shown = {name: value for name, value in shown.items() if value not in (None, [])}
    told["example"] = shown


def _example(schema: Schema, schemas: dict[str, Schema]) -> Any:  # noqa: ANN401 - JSON
    """One value that a schema allows."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema or "const" in schema:
        return schema.get("default", schema.get("const"))
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return None if _NULL in schema["anyOf"] else _example(schema["anyOf"][0], schemas)
    match schema.get("type", "object"):
        case "object":
            fields = {name: _example(field, schemas) for name, field in schema.get("properties", {}).items()}
            # What has a text as its id is a job.
            return fields | ({"id": EXAMPLES["job_id"]} if isinstance(fields.get("id"), str) else {})
        case "array":
            return [] if schema["items"] == _TEXT else [_example(schema["items"], schemas)]
        case kind:
            return _FORMATS.get(schema.get("format", ""), _TYPES[kind])
