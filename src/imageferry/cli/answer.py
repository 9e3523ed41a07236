"""Answers for machines: one line of JSON on stdout."""

import sys
from typing import Any

import msgspec


def answer(value: dict[str, Any]) -> None:
    """Print a JSON object."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
