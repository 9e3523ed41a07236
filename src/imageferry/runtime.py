"""Process-wide tuning: the event loop, the garbage collector, the allocator and protection. Nothing else does it."""

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# Allocations between two garbage collections. Python's default of 700 costs a tenth of an import's CPU
# (docs/performance.md).
GC_THRESHOLD = 20_000

# Memory freed by one file is kept for the next: asking the system for it again, page by page, took a sixth of a
# transfer's time (docs/performance.md).
_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES = -3, 32 << 20
_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES = -1, 256 << 20


_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


def loop_factory() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """Return uvloop's loop factory for `asyncio.Runner`, or None where uvloop does not exist (Windows)."""
    try:
        import uvloop  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    return uvloop.new_event_loop


def pause_gc() -> None:
    """Stop collecting while imports create objects that stay: that took an eighth of their time."""
    gc.disable()


def resume_gc() -> None:
    """Collect garbage again, but rarely, and never look at the objects that exist now."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)
    gc.enable()


def skip_final_gc() -> None:
    """Exempt all objects from the collection at the end of the process, whose memory the system frees anyway."""
    gc.freeze()


def retain_freed_memory() -> None:
    """Make glibc return freed memory to the system only in large amounts; a no-op with any other C library."""
    import ctypes  # noqa: PLC0415 - only processes that transfer need it

    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)


def forbid_inspection() -> None:
    """Let no other process of this user read this one's memory or environment; a no-op where prctl does not exist.

    It writes no core dumps either, and no program that it starts can gain privileges.
    """
    import ctypes  # noqa: PLC0415 - only processes that run for long need it

    with suppress(AttributeError, OSError):
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
