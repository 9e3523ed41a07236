"""Range and conditional requests."""

import pytest

from imageferry.gateway.protocol.ranges import UnsatisfiableError, is_cached, requested_range

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("range_header", "expected"),
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
def test_a_single_range_is_parsed_and_anything_else_requests_the_whole_body(
    range_header: str, expected: range | None
) -> None:
    assert requested_range({"range": range_header}, size_bytes=10, etag=ETAG) == expected


@pytest.mark.parametrize("range_header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_beyond_the_end_is_unsatisfiable(range_header: str) -> None:
    with pytest.raises(UnsatisfiableError):
        requested_range({"range": range_header}, size_bytes=10, etag=ETAG)


@pytest.mark.parametrize("range_header", ["bytes=0-", "bytes=-5"])
def test_every_range_of_an_empty_body_is_unsatisfiable(range_header: str) -> None:
    with pytest.raises(UnsatisfiableError):
        requested_range({"range": range_header}, size_bytes=0, etag=ETAG)


@pytest.mark.parametrize(
    ("version", "expected"),
    [(ETAG, range(2, 5)), ('"old"', None), (f"W/{ETAG}", None), ("Fri, 20 Nov 2026 12:00:00 GMT", None)],
)
def test_a_range_of_an_older_version_requests_the_whole_body(version: str, expected: range | None) -> None:
    assert requested_range({"range": "bytes=2-4", "if-range": version}, size_bytes=10, etag=ETAG) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(ETAG, True), (f'"x", W/{ETAG}', True), ("*", True), ('"x"', False), ("", False), ("abc", False)],
)
def test_a_version_is_cached_if_its_etag_is_listed(tags: str, expected: bool) -> None:  # noqa: FBT001 - a test case
    assert is_cached({"if-none-match": tags}, etag=ETAG) == expected
