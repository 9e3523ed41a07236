"""The grammar of `fields`."""

import contextlib
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.demo.drive import parameters
from imageferry.demo.drive.masks import EVERYTHING, Mask, MaskError, below, includes, parse, project
from imageferry.demo.drive.schema import FILE_SCHEMA, LIST_SCHEMA


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("id", {"id": {}}),
        ("id, name", {"id": {}, "name": {}}),
        ("a/b/c", {"a": {"b": {"c": {}}}}),
        ("a(b,c/d)", {"a": {"b": {}, "c": {"d": {}}}}),
        ("a/b(c,d),e", {"a": {"b": {"c": {}, "d": {}}}, "e": {}}),
        ("a/b,a/c", {"a": {"b": {}, "c": {}}}),
        ("a/b,a", {"a": {}}),
        ("*", {"*": {}}),
        ("a/*", {"a": {"*": {}}}),
    ],
)
def test_a_mask_is_parsed_as_google_documents_it(text: str, mask: Mask) -> None:
    assert parse(text, schema=EVERYTHING) == mask


@pytest.mark.parametrize("text", ["", ",", "a,", "a(", "a()", "a(b", "a)b", "a//b", "/a", "a b", "a(b))", "a=b"])
def test_an_invalid_mask_is_rejected(text: str) -> None:
    with pytest.raises(MaskError):
        parse(text, schema=EVERYTHING)


@pytest.mark.parametrize("text", ["ID", "files(wrong)", "files/imageMediaMetadata/wrong", "id"])
def test_a_mask_with_an_unknown_name_is_rejected(text: str) -> None:
    with pytest.raises(MaskError):
        parse(text, schema=LIST_SCHEMA)


def test_a_projection_applies_to_every_entry_of_a_list() -> None:
    mask = parse("files(id,media/width)", schema=EVERYTHING)
    value = {"token": "t", "files": [{"id": 1, "name": "a", "media": {"width": 2, "height": 3}}, {"id": 4}]}

    assert project(value, mask) == {"files": [{"id": 1, "media": {"width": 2}}, {"id": 4}]}


def test_a_star_includes_everything_at_its_level() -> None:
    mask = parse("*/id", schema=EVERYTHING)

    assert includes(mask, "anything")
    assert project({"a": {"id": 1, "name": 2}}, mask) == {"a": {"id": 1}}
    assert below(EVERYTHING, "a") == EVERYTHING


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    with contextlib.suppress(MaskError):
        parse(text, schema=FILE_SCHEMA)


def test_fields_and_parameters_are_those_of_the_discovery_document() -> None:
    document = discovery_document()
    methods = document["resources"]["files"]["methods"]
    common = set(document["parameters"])

    assert FILE_SCHEMA.keys() == document["schemas"]["File"]["properties"].keys()
    assert LIST_SCHEMA.keys() == document["schemas"]["FileList"]["properties"].keys()
    for name in ("imageMediaMetadata", "shortcutDetails"):
        assert FILE_SCHEMA[name].keys() == document["schemas"]["File"]["properties"][name]["properties"].keys()
    assert common == parameters.COMMON
    assert set(methods["list"]["parameters"]) | common == parameters.FILES_LIST
    assert set(methods["get"]["parameters"]) - {"fileId"} | common == parameters.FILES_GET
    assert set(methods["export"]["parameters"]) - {"fileId"} | common == parameters.FILES_EXPORT
    drives = document["resources"]["drives"]["methods"]
    assert set(drives["list"]["parameters"]) | common == parameters.DRIVES_LIST
    assert set(drives["get"]["parameters"]) - {"driveId"} | common == parameters.DRIVES_GET


def discovery_document() -> dict[str, Any]:
    path = files("googleapiclient") / "discovery_cache" / "documents" / "drive.v3.json"
    document: dict[str, Any] = json.loads(path.read_text())
    return document
