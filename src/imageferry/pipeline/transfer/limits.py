"""The bounds of one process: files at once, bytes in memory, and the wish to stop."""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from imageferry.pipeline.stop_signal import Halt, Halts

MIB = 1024 * 1024


class Bounds:
    """What all transfers of a process share."""

    def __init__(self, *, files_at_once: int = 32, bytes_at_once: int = 48 * MIB, halts: Halts | None = None) -> None:
        self.files = Places(files_at_once)
        self.memory = ByteBudget(bytes_at_once)
        self.halts = halts or Halts()


class Places:
    """Places for files under way: jobs take turns, one for each of their batches, and give them to their oldest batch.

    If a job's batches took turns too, they would all come to their end at once, and nothing would be under way until
    the next ones are there.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._turns: deque[str] = deque()  # jobs, once for each line
        self._lines: dict[str, list[Line]] = {}  # of each job, the oldest batch first

    @contextmanager
    def line(self, *, job_id: str, batch_id: int, files: int) -> Iterator["Line"]:
        """A batch stands in line for so many places while the context lasts; what it takes, it gives back itself."""
        line = Line(job_id=job_id, batch_id=batch_id, wanted=files)
        insort(self._lines.setdefault(job_id, []), line, key=lambda each: each.batch_id)
        self._turns.append(job_id)
        self._hand_out()
        try:
            yield line
        finally:
            if line.wanted:
                self._leave(line)
            self._free += line.ready
            self._hand_out()

    def give_back(self) -> None:
        """Let another file have a place."""
        self._free += 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and self._turns:
            line = self._lines[self._turns[0]][0]
            self._turns.rotate(-1)
            self._free -= 1
            line.grant()
            if not line.wanted:
                self._leave(line)

    def _leave(self, line: "Line") -> None:
        self._turns.remove(line.job_id)
        lines = self._lines[line.job_id]
        lines.remove(line)
        if not lines:
            del self._lines[line.job_id]


class Line:
    """A batch that stands in line for places."""

    def __init__(self, *, job_id: str, batch_id: int, wanted: int) -> None:
        self.job_id = job_id
        self.batch_id = batch_id
        self.wanted = wanted
        self.ready = 0  # its own, and not taken yet
        self._turn: asyncio.Future[None] | None = None

    async def take(self, *, halt: Halt) -> None:
        """Returns when a place is the caller's; StoppedError when asked to stop before."""
        if not self.ready:
            self._turn = asyncio.get_running_loop().create_future()
            with halt.waiting():
                await self._turn
        self.ready -= 1

    def grant(self) -> None:
        """Let it have a place."""
        self.wanted -= 1
        self.ready += 1
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)


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
            self.give_back(0 if turn.cancelled() else held)
            raise

    def give_back(self, held: int) -> None:
        """Let others have so many bytes."""
        self._free += held
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.cancelled():  # it left; its place in the line is of no account
                self._waiting.popleft()
            elif wanted <= self._free:
                self._waiting.popleft()
                self._free -= wanted
                turn.set_result(None)
            else:
                break


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
