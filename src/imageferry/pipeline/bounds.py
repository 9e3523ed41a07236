"""The bounds of one process: files at once, bytes in memory, and the wish to stop."""

import asyncio
from collections import deque

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

    def hold(self, size_bytes: int, *, halt: Halt) -> "_Hold":
        """Hold so many bytes, at most all there are, from when they are free until the context ends."""
        return _Hold(self, min(size_bytes, self._limit), halt=halt)

    async def take(self, size_bytes: int, *, halt: Halt) -> None:
        """Returns when so many bytes are the caller's, who gives them back."""
        if self._waiting or size_bytes > self._free:
            with halt.waiting():
                await self._queue(size_bytes)
        else:
            self._free -= size_bytes

    async def _queue(self, held: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((held, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(held)
            else:
                self._waiting.remove((held, turn))
            raise

    def give_back(self, held: int) -> None:
        """Let others have so many bytes."""
        self._free += held
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= wanted
                turn.set_result(None)


class _Hold:
    """A context in which bytes are held: a class, for each file enters one."""

    __slots__ = ("_budget", "_halt", "_held")

    def __init__(self, budget: ByteBudget, held: int, *, halt: Halt) -> None:
        self._budget = budget
        self._held = held
        self._halt = halt

    async def __aenter__(self) -> None:
        await self._budget.take(self._held, halt=self._halt)

    async def __aexit__(self, *_: object) -> None:
        self._budget.give_back(self._held)
