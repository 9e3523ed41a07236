"""What the system is told of a mover, where it can be told: its name."""

import ctypes
from contextlib import suppress

NAME = b"ferry-mover"  # in the lists of processes, at most 15 bytes
_SET_NAME = 15


def introduce() -> None:
    """Take its name."""
    with suppress(AttributeError, OSError):  # Linux
        ctypes.CDLL(None).prctl(_SET_NAME, NAME, 0, 0, 0)
