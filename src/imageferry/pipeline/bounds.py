"""The bounds of one process: files at once, bytes in memory, and the wish to stop."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

MIB = 1024 * 1024


class Bounds:
    """What all transfers of a process share."""

    def __init__(self, *, files_at_once: int = 32, bytes_at_once: int = 64 * MIB) -> None:
        self.files = asyncio.Semaphore(files_at_once)
        self.memory = ByteBudget(bytes_at_once)
        self.stopping = asyncio.Event()  # set: begin no file any more, and end streams where they are
        self._downloads: set[asyncio.Task[Any]] = set()

    def break_off(self) -> None:
        """End downloads where they are, once stopping; what is on its way into the store comes to its end."""
        for download in self._downloads:
            download.cancel()

    @contextmanager
    def download(self) -> Iterator[None]:
        """Within it the present task only downloads, and may be broken off: then StoppedError is raised."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())  # never None in a coroutine
        self._downloads.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self.stopping.is_set():
                raise
            task.uncancel()
            raise StoppedError from None
        finally:
            self._downloads.discard(task)

    async def next_chunk(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next chunk of a download, None at its end; StoppedError when asked to stop before it comes."""
        coming = asyncio.ensure_future(anext(chunks, None))
        stopping = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait([coming, stopping], return_when=asyncio.FIRST_COMPLETED)
            if self.stopping.is_set():
                raise StoppedError
            return coming.result()
        finally:
            stopping.cancel()
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


class StoppedError(Exception):
    """The process was asked to stop while a file was under way; nothing of it is left."""


class ByteBudget:
    """A semaphore over bytes, fair: who asked first is served first, however much it wants."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._free = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def hold(self, size_bytes: int) -> AsyncIterator[None]:
        """Hold so many bytes, at most all there are, from when they are free until the context ends."""
        held = min(size_bytes, self._limit)
        if self._waiting or held > self._free:
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
