"""Virtual time: advances only when every coroutine sleeps, so tests of hours run at once and deterministically."""

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from typing import Any

SETTLE_ITERATIONS = 6  # of the event loop, enough for every runnable coroutine to reach its next sleep


class VirtualTime:
    """A `clock` and a `sleep` to pass to the code under test; `run` executes coroutines in this time."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._sequence = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        wake_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._sequence), wake_up))
        await wake_up

    async def run(self, *coroutines: Coroutine[Any, Any, None], until_s: float | None = None) -> None:
        """Run coroutines until all have ended, or for `until_s` seconds."""
        end_s = None if until_s is None else self._now_s + until_s
        tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
        while not all(task.done() for task in tasks):
            for _ in range(SETTLE_ITERATIONS):
                await asyncio.sleep(0)
            if end_s is not None and (not self._sleepers or self._sleepers[0][0] > end_s):
                break
            assert self._sleepers or all(task.done() for task in tasks), (
                "a coroutine waits for something other than time"
            )
            if not self._sleepers:
                break
            at_s, _, wake_up = heapq.heappop(self._sleepers)
            self._now_s = at_s
            if not wake_up.done():
                wake_up.set_result(None)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
