"""The wish that work comes to an end: of one job, or of the whole process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from imageferry.model import Content

# How long files of a job that is to stop have to come to their end; then their downloads are broken off.
GRACE_S = 1.5


class Halts:
    """The wishes of one process, by job."""

    def __init__(self) -> None:
        self.stopped = False  # the whole process is to stop
        self._by_job: dict[str, Halt] = {}
        self._users: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def under(self, job_id: str) -> "Iterator[Halt]":
        """What work for a job is to look at while the context lasts."""
        halt = self._by_job.setdefault(job_id, Halt())
        if self.stopped:
            halt.wish()
        self._users[job_id] += 1
        self._idle.clear()
        try:
            yield halt
        finally:
            self._users[job_id] -= 1
            if not self._users[job_id]:
                # Whoever begins with this job later knows nothing of the wish.
                del self._users[job_id], self._by_job[job_id]
            if not self._users:
                self._idle.set()

    def of(self, job_id: str) -> "Halt | None":
        """What the work for a job looks at; None: nothing is at work for it."""
        return self._by_job.get(job_id)

    async def idle(self, *, within_s: float) -> None:
        """Returns when nothing is at work under them, at the latest after so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), within_s)

    def stop(self, job_ids: Collection[str]) -> None:
        """Let the work of these jobs come to its end, soon; it may be said again."""
        for job_id in job_ids:
            halt = self._by_job.get(job_id)
            if halt is not None and not halt.wished.is_set():
                halt.wish()
                asyncio.get_running_loop().call_later(GRACE_S, halt.break_off)

    def stop_all(self) -> None:
        """Let all work come to its end; `break_off` says when it has had its time."""
        self.stopped = True
        for halt in self._by_job.values():
            halt.wish()

    def break_off(self) -> None:
        """End downloads where they are, once stopped; what is on its way into the store comes to its end."""
        for halt in self._by_job.values():
            halt.break_off()


class Halt:
    """The wish of one job: begin no file any more, and end streams where they are."""

    def __init__(self) -> None:
        self.wished = asyncio.Event()
        self.broken_off = asyncio.Event()
        self._waits: set[asyncio.Task[Any]] = set()
        self._downloads: set[asyncio.Task[Any]] = set()

    def wish(self) -> None:
        """Tell it; what only waits for its turn ends at once."""
        self.wished.set()
        for task in self._waits:
            task.cancel()

    def break_off(self) -> None:
        """End downloads where they are."""
        self.broken_off.set()
        for task in self._downloads:
            task.cancel()

    def waiting(self) -> "_Breakable":
        """Within it the present task only waits for its turn; StoppedError is raised once it need not come."""
        return _Breakable(self, self._waits)

    def download(self) -> "_Breakable":
        """Within it the present task only downloads, and may be broken off: then StoppedError is raised."""
        return _Breakable(self, self._downloads)

    async def next_chunk(self, chunks: AsyncIterator[Content]) -> Content | None:
        """The next chunk of a download, None at its end; StoppedError when asked to stop before it comes."""
        coming = asyncio.ensure_future(anext(chunks, None))
        wished = asyncio.ensure_future(self.wished.wait())
        try:
            await asyncio.wait([coming, wished], return_when=asyncio.FIRST_COMPLETED)
            if self.wished.is_set():
                raise StoppedError
            return coming.result()
        finally:
            wished.cancel()
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


class _Breakable:
    """A context whose task is among some that may be cancelled: a class, for each file enters it several times."""

    __slots__ = ("_halt", "_task", "_tasks")

    def __init__(self, halt: Halt, tasks: set[asyncio.Task[Any]]) -> None:
        self._halt = halt
        self._tasks = tasks

    def __enter__(self) -> None:
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())  # never None in a coroutine
        self._tasks.add(self._task)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._tasks.discard(self._task)
        if isinstance(error, asyncio.CancelledError) and self._halt.wished.is_set():
            self._task.uncancel()
            raise StoppedError from None


class StoppedError(Exception):
    """Work was asked to stop while a file was under way; nothing of the file is left."""
