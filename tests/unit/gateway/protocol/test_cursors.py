"""Cursors: what comes back is what was given out."""

import pytest
from fastapi import HTTPException

from imageferry.gateway.protocol.cursors import Cursors

OURS = Cursors("a key")


def test_a_cursor_comes_back_as_its_position() -> None:
    position = ["-shown", "2025-07-14T12:00:00.000001", 17]
    assert OURS.take("images", OURS.give("images", position)) == position


@pytest.mark.parametrize(
    "forged", ["", "x", "WzFd", "WzFd.AAAA", "é" * 100, OURS.give("jobs", [1]), OURS.give("images", [1])[:-2]]
)
def test_what_was_not_given_out_for_this_list_is_refused(forged: str) -> None:
    with pytest.raises(HTTPException) as refused:
        OURS.take("images", forged)
    assert refused.value.status_code == 400


def test_another_catalogs_cursor_is_refused() -> None:
    with pytest.raises(HTTPException):
        OURS.take("images", Cursors("another key").give("images", [1]))
