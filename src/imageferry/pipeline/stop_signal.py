"""Requests to stop: of one job, or of the whole process.

Other processes and machines ask for a stop by other means. docs/decisions/0021-how-a-stop-travels.md maps all of them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, cast

from imageferry.model import Content

# How long the files of a stopped job may take to finish. Then their downloads are aborted.
GRACE_S = 1.5


class StopSignals:
    """The stop signals of one process, by job."""

    def __init__(self) -> None:
        self.is_stopping = False  # the whole process
        self._by_job: dict[str, StopSignal] = {}
        self._users: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def register(self, job_id: str) -> "Iterator[StopSignal]":
        """Register work for a job while the context lasts, and yield the signal that the work must obey."""
        signal = self._by_job.setdefault(job_id, StopSignal())
        if self.is_stopping:
            signal.request_stop()
        self._users[job_id] += 1
        self._idle.clear()
        try:
            yield signal
        finally:
            self._users[job_id] -= 1
            if not self._users[job_id]:
                # Work for this job that starts later, after a resume, gets a new signal.
                del self._users[job_id], self._by_job[job_id]
            if not self._users:
                self._idle.set()

    def get(self, job_id: str) -> "StopSignal | None":
        """Return the signal of a job, or None if no work is registered for it."""
        return self._by_job.get(job_id)

    async def wait_until_idle(self, *, timeout_s: float) -> None:
        """Return when no work is registered, or after the timeout."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)

    def stop_jobs(self, job_ids: Collection[str]) -> None:
        """Stop the registered work of these jobs, and abort what it still downloads after GRACE_S. Idempotent."""
        for job_id in job_ids:
            signal = self._by_job.get(job_id)
            if signal is not None and not signal.stop_requested.is_set():
                signal.request_stop()
                asyncio.get_running_loop().call_later(GRACE_S, signal.abort_downloads)

    def stop_all(self) -> None:
        """Stop the work of all jobs, now and later. The caller calls `abort_downloads` after its grace period."""
        self.is_stopping = True
        for signal in self._by_job.values():
            signal.request_stop()

    def abort_downloads(self) -> None:
        """Abort the downloads of all jobs. Uploads finish."""
        for signal in self._by_job.values():
            signal.abort_downloads()


class StopSignal:
    """The request to stop one job: start no file, end streamed files at once, let files held whole finish."""

    def __init__(self) -> None:
        self.stop_requested = asyncio.Event()
        self.downloads_aborted = asyncio.Event()
        self._waits: set[asyncio.Task[Any]] = set()
        self._downloads: set[asyncio.Task[Any]] = set()

    def request_stop(self) -> None:
        """Set the signal, and cancel tasks that only wait for their turn."""
        self.stop_requested.set()
        for task in self._waits:
            task.cancel()

    def abort_downloads(self) -> None:
        """Cancel tasks that only download."""
        self.downloads_aborted.set()
        for task in self._downloads:
            task.cancel()

    def cancellable_wait(self) -> AbstractContextManager[None]:
        """Mark the current task as waiting for its turn; raise StoppedError in it when a stop is requested."""
        return self._cancellable(self._waits)

    def abortable_download(self) -> AbstractContextManager[None]:
        """Mark the current task as downloading; raise StoppedError in it when downloads are aborted."""
        return self._cancellable(self._downloads)

    @contextmanager
    def _cancellable(self, tasks: set[asyncio.Task[Any]]) -> Iterator[None]:
        task = cast("asyncio.Task[Any]", asyncio.current_task())  # never None in a coroutine
        tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self.stop_requested.is_set():
                raise
            task.uncancel()
            raise StoppedError from None
        finally:
            tasks.discard(task)

    async def next_chunk(self, chunks: AsyncIterator[Content]) -> Content | None:
        """Return the next chunk of a download, or None at its end. Raise StoppedError if a stop is requested first."""
        chunk = asyncio.ensure_future(anext(chunks, None))
        stop = asyncio.ensure_future(self.stop_requested.wait())
        try:
            await asyncio.wait([chunk, stop], return_when=asyncio.FIRST_COMPLETED)
            if self.stop_requested.is_set():
                raise StoppedError
            return chunk.result()
        finally:
            stop.cancel()
            if not chunk.done():
                chunk.cancel()
                await asyncio.gather(chunk, return_exceptions=True)


class StoppedError(Exception):
    """A stop was requested during a file's transfer, which left nothing behind."""
