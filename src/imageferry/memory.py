"""The system's memory, kept by a process that moves bytes."""

import ctypes
from contextlib import suppress

# Memory that a file's bytes lay in is kept for the next one's: to have it from the system anew, page by page, took a
# sixth of a transfer's time.
_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 32 << 20
_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES = -1, 256 << 20


def keep_memory() -> None:
    """Give memory back only when there is much of it; elsewhere than on glibc nothing is told."""
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
