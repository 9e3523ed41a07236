"""Time that runs only when everybody waits: an hour in a moment, the same each time."""

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from typing import Any

SETTLING_TURNS = 6  # of the event loop, within which whatever can go on has gone on


class VirtualTime:
    """`clock` and `sleep` to pass in; `run` lets coroutines live in it."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._order), alarm))
        await alarm

    async def run(self, *lives: Coroutine[Any, Any, None], until_s: float | None = None) -> None:
        """Until all have ended, or for so many seconds."""
        end_s = None if until_s is None else self._now_s + until_s
        tasks = [asyncio.ensure_future(life) for life in lives]
        while not all(task.done() for task in tasks):
            for _ in range(SETTLING_TURNS):
                await asyncio.sleep(0)
            if end_s is not None and (not self._sleepers or self._sleepers[0][0] > end_s):
                break
            assert self._sleepers or all(task.done() for task in tasks), "somebody waits for nothing"
            if not self._sleepers:
                break
            at_s, _, alarm = heapq.heappop(self._sleepers)
            self._now_s = at_s
            if not alarm.done():
                alarm.set_result(None)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
