"""Measuring the rate of an import without its start and its last batches."""

import asyncio
import time
from collections.abc import Callable

from imageferry.application.results import ImportResult

SAMPLE_EVERY_S = 0.02
# Worker processes open their connections after the worker reports that it is ready.
SETTLE_S = 4


async def measure_files_per_s(
    importing: asyncio.Task[ImportResult], *, sent: Callable[[], int], files: int, between: tuple[float, float]
) -> float:
    """Return the rate in files per second between two fractions of the files. The import must store all of them."""
    reached: list[tuple[float, int]] = []
    while not importing.done():
        count = sent()
        if len(reached) < len(between) and count >= between[len(reached)] * files:
            reached.append((time.perf_counter(), count))
        await asyncio.sleep(SAMPLE_EVERY_S)
    assert (await importing).job.stored == files  # noqa: S101 - otherwise there is no valid rate
    (from_s, from_count), (to_s, count) = reached
    return (count - from_count) / (to_s - from_s)
