"""Process-wide tuning: the event loop, the garbage collector and the allocator."""

import asyncio
import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress

# Objects allocated before the collector looks for garbage. At Python's default of 700 the collector took a twelfth
# of a transfer's time (docs/performance.md).
GARBAGE_OBJECTS_MIN = 20_000

# Memory freed by one file is kept for the next: asking the system for it again, page by page, took a sixth of a
# transfer's time (docs/performance.md).
_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 32 << 20
_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES = -1, 256 << 20


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop factory for `asyncio.Runner`, or None where uvloop does not exist (Windows)."""
    try:
        import uvloop  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    return uvloop.new_event_loop


def keep_what_is_here() -> None:
    """Exempt all current objects from garbage collection and collect the rest rarely."""
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MIN, 20, 100)
    gc.enable()


def keep_memory() -> None:
    """Make glibc return freed memory to the system only in large amounts; a no-op with any other C library."""
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
