"""Results for scripts: one line of JSON on stdout."""

import sys
from typing import Any

import msgspec

from imageferry.errors import ImageferryError
from imageferry.printable import printable


def print_json(value: dict[str, Any]) -> None:
    """Print a JSON object on one line."""
    sys.stdout.write(printable(msgspec.json.encode(value).decode()) + "\n")


def print_error_json(error: ImageferryError) -> None:
    """Print an error that ended a command before there was a job."""
    print_json({"status": "failed", "reason": error.reason, "detail": error.message, "mender": error.reason.fix_by})
