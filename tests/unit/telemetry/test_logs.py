"""Logs: what they tell of an error."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from imageferry.log import log
from imageferry.telemetry.logs import configure_logging

def connect(*, password):
    raise ValueError("refused")

configure_logging(level="warning", form=sys.argv[1])
try:
    connect(password="hidden"[:])
except ValueError:
    log.exception("connection.failed")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_where_an_error_came_from_is_told_without_the_values_that_were_there(form: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, form], check=True, capture_output=True, text=True, timeout=60
    ).stderr
    assert "ValueError: refused" in told
    assert "in connect" in told
    assert "hidden" not in told
