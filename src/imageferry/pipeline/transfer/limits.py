"""What all transfers of a process share: files at once, bytes in memory, requests to stop, and the heartbeat."""

import asyncio
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from imageferry.pipeline.stop_signal import StopSignal, StopSignals
from imageferry.subprocess_protocol.heartbeat import Heartbeat

MIB = 1024 * 1024


class TransferLimits:
    """The semaphores, stop signals and heartbeat of one process."""

    def __init__(
        self,
        *,
        files_at_once: int = 32,
        bytes_at_once: int = 48 * MIB,
        stop_signals: StopSignals | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        self.file_slots = FairSlots(files_at_once)
        self.memory = ByteBudget(bytes_at_once)
        self.stop_signals = stop_signals or StopSignals()
        self.heartbeat = heartbeat or Heartbeat()


class FairSlots:
    """A fair semaphore over concurrent file transfers.

    Slots go round-robin between jobs, once for each batch of a job, and FIFO between the batches of a job. If a job's
    batches took turns too, all would finish at the same time, and no file would be in transfer until the next ones
    arrive.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._rotation: deque[str] = deque()  # job ids, once for each batch that waits
        self._queues: dict[str, list[BatchQueue]] = {}  # by job, oldest batch first

    @contextmanager
    def enqueue(self, *, job_id: str, batch_id: int, files: int) -> Iterator["BatchQueue"]:
        """Queue a batch for this many slots while the context lasts. The caller releases each slot that it acquires."""
        queue = BatchQueue(job_id=job_id, batch_id=batch_id, ungranted=files)
        insort(self._queues.setdefault(job_id, []), queue, key=lambda each: each.batch_id)
        self._rotation.append(job_id)
        self._grant_free()
        try:
            yield queue
        finally:
            if queue.ungranted:
                self._dequeue(queue)
            self._free += queue.granted
            self._grant_free()

    def release(self) -> None:
        """Return a slot."""
        self._free += 1
        self._grant_free()

    def _grant_free(self) -> None:
        while self._free and self._rotation:
            queue = self._queues[self._rotation[0]][0]
            self._rotation.rotate(-1)
            self._free -= 1
            queue.grant()
            if not queue.ungranted:
                self._dequeue(queue)

    def _dequeue(self, queue: "BatchQueue") -> None:
        self._rotation.remove(queue.job_id)
        queues = self._queues[queue.job_id]
        queues.remove(queue)
        if not queues:
            del self._queues[queue.job_id]


class BatchQueue:
    """A batch's wait for slots. One task acquires them, one after the other."""

    def __init__(self, *, job_id: str, batch_id: int, ungranted: int) -> None:
        self.job_id = job_id
        self.batch_id = batch_id
        self.ungranted = ungranted
        self.granted = 0  # and not acquired yet
        self._next_grant: asyncio.Future[None] | None = None

    async def acquire(self, *, stop_signal: StopSignal) -> None:
        """Wait for a slot. Raise StoppedError if a stop is requested first."""
        if not self.granted:
            self._next_grant = asyncio.get_running_loop().create_future()
            with stop_signal.cancellable_wait():
                await self._next_grant
        self.granted -= 1

    def grant(self) -> None:
        """Give the batch a slot."""
        self.ungranted -= 1
        self.granted += 1
        if self._next_grant is not None and not self._next_grant.done():
            self._next_grant.set_result(None)


class ByteBudget:
    """A semaphore over bytes of memory. FIFO: a large request is not overtaken by smaller ones."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._free = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, size_bytes: int, *, stop_signal: StopSignal) -> AsyncIterator[None]:
        """Wait for this many bytes, or for the whole budget if that is less, and hold them while the context lasts.

        Raises StoppedError if a stop is requested first.
        """
        reserved = min(size_bytes, self._limit)
        if self._waiting or reserved > self._free:
            with stop_signal.cancellable_wait():
                await self._wait_for(reserved)
        else:
            self._free -= reserved
        try:
            yield
        finally:
            self.release(reserved)

    async def _wait_for(self, size_bytes: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self.release(0 if turn.cancelled() else size_bytes)
            raise

    def release(self, size_bytes: int) -> None:
        """Return bytes to the budget."""
        self._free += size_bytes
        while self._waiting:
            needed, turn = self._waiting[0]
            if turn.cancelled():  # its waiter was cancelled
                self._waiting.popleft()
            elif needed <= self._free:
                self._waiting.popleft()
                self._free -= needed
                turn.set_result(None)
            else:
                break
