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


def test_a_line_of_text_has_no_control_characters_of_names() -> None:
    program = "from imageferry.telemetry.logs import *; configure_logging(level='info', form='text');"
    program += r"log.warning('file.failed', name='a\x1b[31m\u202eb', detail='c\nd e\x9b\n')"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stderr.decode()
    assert output.rstrip("\n").isprintable()
    assert r"name=a\u001b[31m\u202eb" in output
