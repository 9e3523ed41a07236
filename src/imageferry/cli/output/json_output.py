"""Answers for machines: one line of JSON on stdout."""

import sys
from typing import Any

import msgspec

from imageferry.errors import ImageferryError


def answer(value: dict[str, Any]) -> None:
    """Print a JSON object."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def answer_error(error: ImageferryError) -> None:
    """Print an error that ended a command before there was a job."""
    answer({"status": "failed", "reason": error.reason, "detail": error.message, "mender": error.reason.mender})
