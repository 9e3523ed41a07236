"""Which bytes of a body are asked for."""

import pytest

from imageferry.gateway.protocol.ranges import UnsatisfiableError, asked_span, knows

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("BYTES = 2 - 4", range(2, 5)),
        ("bytes=7-", range(7, 10)),
        ("bytes=7-9999999999999999999", range(7, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-30", range(10)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("bytes=x", None),
        ("bytes=1-99999999999999999999", None),
        ("bytes=\u0663-4", None),
        ("pages=1-2", None),
        ("", None),
    ],
)
def test_one_range_is_read_and_anything_else_asks_for_all(asked: str, span: range | None) -> None:
    assert asked_span({"range": asked}, size_bytes=10, etag=ETAG) == span


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_beyond_the_end_cannot_be_satisfied(asked: str) -> None:
    with pytest.raises(UnsatisfiableError):
        asked_span({"range": asked}, size_bytes=10, etag=ETAG)


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=-5"])
def test_of_nothing_there_is_no_range(asked: str) -> None:
    with pytest.raises(UnsatisfiableError):
        asked_span({"range": asked}, size_bytes=0, etag=ETAG)


@pytest.mark.parametrize(
    ("version", "span"),
    [(ETAG, range(2, 5)), ('"old"', None), (f"W/{ETAG}", None), ("Fri, 20 Nov 2026 12:00:00 GMT", None)],
)
def test_a_range_of_an_older_version_asks_for_all(version: str, span: range | None) -> None:
    assert asked_span({"range": "bytes=2-4", "if-range": version}, size_bytes=10, etag=ETAG) == span


@pytest.mark.parametrize(
    ("tags", "known"),
    [(ETAG, True), (f'"x", W/{ETAG}', True), ("*", True), ('"x"', False), ("", False), ("abc", False)],
)
def test_a_version_is_known_by_its_tag(tags: str, known: bool) -> None:  # noqa: FBT001 - a case
    assert knows({"if-none-match": tags}, etag=ETAG) == known
