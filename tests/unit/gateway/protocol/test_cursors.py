"""Cursors: signed positions in a list."""

import pytest

from imageferry.errors import UsageError
from imageferry.gateway.protocol.cursors import CursorCodec

CODEC = CursorCodec("a key")


def test_a_cursor_decodes_to_its_position() -> None:
    position = ["-date", "2025-07-14T12:00:00.000001", 17]
    assert CODEC.decode("images", CODEC.encode("images", position)) == position


@pytest.mark.parametrize(
    "forged", ["", "x", "WzFd", "WzFd.AAAA", "é" * 100, CODEC.encode("jobs", [1]), CODEC.encode("images", [1])[:-2]]
)
def test_a_cursor_that_was_not_issued_for_the_list_is_rejected(forged: str) -> None:
    with pytest.raises(UsageError):
        CODEC.decode("images", forged)


def test_a_cursor_of_another_catalog_is_rejected() -> None:
    with pytest.raises(UsageError):
        CODEC.decode("images", CursorCodec("another key").encode("images", [1]))
