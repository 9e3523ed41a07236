"""What the system is told of a mover, where it can be told: its name, and that it keeps memory."""

import ctypes
from contextlib import suppress

NAME = b"ferry-mover"  # in the lists of processes, at most 15 bytes
_SET_NAME = 15
# Memory that a file's bytes lay in is kept for the next one's: to have it from the system anew, page by page, took a
# sixth of a transfer's time.
_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 32 << 20
_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES = -1, 256 << 20


def introduce() -> None:
    """Take its name, and keep memory until there is much of it."""
    with suppress(AttributeError, OSError):  # Linux, and glibc on it
        libc = ctypes.CDLL(None)
        libc.prctl(_SET_NAME, NAME, 0, 0, 0)
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
