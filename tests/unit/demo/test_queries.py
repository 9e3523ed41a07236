"""The grammar of the `q` parameter."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.demo.drive.queries import QueryError, parse
from imageferry.demo.entries import Node

NODE = Node(
    id="1file",
    name="It's a \\ boat.jpg",
    mime_type="image/jpeg",
    parents=("1folder", "1other"),
    modified_at=datetime(2025, 6, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'1folder' in parents",
        '"1folder" in parents',
        "'1folder' in parents and trashed=false",
        "trashed=false and ('1folder' in parents)",
        "trashed = false and ('1nowhere' in parents or '1other' in parents)",
        "not trashed = true",
        "trashed != true",
        "mimeType = 'image/jpeg'",
        "mimeType!='application/vnd.google-apps.folder'",
        "mimeType contains 'image/'",
        r"name = 'It\'s a \\ boat.jpg'",
        "name contains 'boa'",
        "not (name contains 'oat' or trashed=true)",
        "modifiedTime > '2025-05-31T12:00:00'",
        "modifiedTime <= '2025-06-01T00:00:00Z'",
        "(((trashed=false)))",
    ],
)
def test_a_query_matches_the_file(text: str) -> None:
    assert parse(text).matches(NODE)


@pytest.mark.parametrize(
    "text",
    [
        "'1nowhere' in parents",
        "'1folder' in parents and trashed=true",
        "mimeType contains 'jpeg'",
        "mimeType != 'image/jpeg'",
        "name = 'boat.jpg'",
        "name contains 'oat'",
        "not '1folder' in parents",
        "modifiedTime < '2025-06-01T00:00:00'",
    ],
)
def test_a_query_does_not_match_the_file(text: str) -> None:
    assert not parse(text).matches(NODE)


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("'a' in parents and trashed=false", ("a",)),
        ("trashed=false and ('a' in parents or 'b' in parents)", ("a", "b")),
        ("'a' in parents or trashed=false", None),
        ("not 'a' in parents", None),
        ("name = 'x'", None),
        ("'root' in parents", ("1home",)),
    ],
)
def test_a_query_limits_the_folders_to_search(text: str, parents: tuple[str, ...] | None) -> None:
    assert parse(text, root_id="1home").parents == parents


@pytest.mark.parametrize(
    "text",
    [
        "'a'",
        "'a' in",
        "'a' in nothing",
        "in parents",
        "trashed",
        "trashed < true",
        "name > 'a'",
        "name = a",
        "unknown = 'a'",
        "trashed=false and",
        "trashed=false trashed=false",
        "(trashed=false",
        "'unclosed",
        "modifiedTime > 'yesterday'",
        "(" * 200 + "trashed=false" + ")" * 200,
    ],
)
def test_an_invalid_query_is_rejected(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse(text).matches(NODE)
