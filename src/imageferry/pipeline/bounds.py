"""The bounds of one process: files at once, bytes in memory, and the wish to stop."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.pipeline.halt import Halt, Halts

MIB = 1024 * 1024


class Bounds:
    """What all transfers of a process share."""

    def __init__(self, *, files_at_once: int = 32, bytes_at_once: int = 48 * MIB) -> None:
        self.files = asyncio.Semaphore(files_at_once)
        self.memory = ByteBudget(bytes_at_once)
        self.halts = Halts()


class ByteBudget:
    """A semaphore over bytes, fair: who asked first is served first, however much it wants."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._free = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size_bytes: int, *, halt: Halt) -> AsyncIterator[None]:
        """Hold so many bytes, at most all there are, from when they are free until the context ends."""
        held = min(size_bytes, self._limit)
        if self._waiting or held > self._free:
            with halt.waiting():
                await self._queue(held)
        else:
            self._free -= held
        try:
            yield
        finally:
            self._release(held)

    async def _queue(self, held: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((held, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(held)
            else:
                self._waiting.remove((held, turn))
            raise

    def _release(self, held: int) -> None:
        self._free += held
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= wanted
                turn.set_result(None)
