"""Logs of errors."""

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
def test_a_logged_traceback_has_no_values_of_variables(form: str) -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM, form], check=True, capture_output=True, text=True).stderr
    assert "ValueError: refused" in output
    assert "in connect" in output
    assert "hidden" not in output
