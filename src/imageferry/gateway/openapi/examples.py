"""Examples of whole JSON bodies, generated from the examples of their fields."""

from typing import Any

from imageferry.gateway.openapi.field_docs import EXAMPLES

Schema = dict[str, Any]

# Values of fields without an example, by format or else by type.
_FORMATS = {"date": "2026-11-20", "date-time": "2026-11-20T12:00:00Z"}
_TYPES = {"string": "text", "boolean": True, "integer": 1, "number": 1.5}
_NULL, _TEXT = {"type": "null"}, {"type": "string"}


def add_examples(document: Schema) -> None:
    """Add an example to each JSON body that has none. Request examples omit empty fields."""
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            _add_example(operation.get("requestBody", {}), schemas, is_request=True)
            for status, response in operation["responses"].items():
                if status < "300":
                    _add_example(response, schemas, is_request=False)


def _add_example(body: Schema, schemas: dict[str, Schema], *, is_request: bool) -> None:
    media_type = body.get("content", {}).get("application/json", {})
    if not media_type.get("schema") or media_type.keys() & {"example", "examples"}:
        return
    # An optional body is anyOf its schema and null.
    schema, *_ = media_type["schema"].get("anyOf", [media_type["schema"]])
    example = _example(schema, schemas)
    if is_request:
        example = {name: value for name, value in example.items() if value not in (None, [])}
    media_type["example"] = example


def _example(schema: Schema, schemas: dict[str, Schema]) -> Any:  # noqa: ANN401 - any JSON value
    """Return one value that a schema allows."""
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
            # Only jobs have a string as their id.
            return fields | ({"id": EXAMPLES["job_id"]} if isinstance(fields.get("id"), str) else {})
        case "array":
            return [] if schema["items"] == _TEXT else [_example(schema["items"], schemas)]
        case kind:
            return _FORMATS.get(schema.get("format", ""), _TYPES[kind])
