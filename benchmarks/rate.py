"""How fast files come while a job is in full swing: neither its start nor its last batches count."""

import asyncio
import time
from collections.abc import Callable

from imageferry.cli.handlers.import_ import Ending

LOOK_EVERY_S = 0.02
# Children open what they lean on after their worker is ready.
SETTLES_S = 4


async def files_a_second(
    importing: asyncio.Task[Ending], *, sent: Callable[[], int], files: int, between: tuple[float, float]
) -> float:
    """The rate between two parts of the files, of an import that brings all of them."""
    reached: list[tuple[float, int]] = []
    while not importing.done():
        count = sent()
        if len(reached) < len(between) and count >= between[len(reached)] * files:
            reached.append((time.perf_counter(), count))
        await asyncio.sleep(LOOK_EVERY_S)
    assert (await importing).job.stored == files  # noqa: S101 - a rate of anything else is none
    (from_s, already), (to_s, count) = reached
    return (count - already) / (to_s - from_s)
