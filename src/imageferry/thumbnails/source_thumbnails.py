"""Thumbnails of files that are not imported yet: the samples of a preview, read from their source, cached in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from imageferry.errors import Reason, TransientError
from imageferry.model import File
from imageferry.sources.base import Source
from imageferry.thumbnails.protocol import RenderRequest, UnreadableError
from imageferry.thumbnails.worker_pool import WorkerPool

WIDTH = 256
# A preview is worth a small file's bytes and a few of the source's calls; imports need the rest.
FILE_BYTES_MAX = 8 * 1024 * 1024
CONCURRENT_MAX = 3
TIMEOUT_S = 20.0
# Thumbnails of about 10 kB each; that a file can't be rendered is cached too.
CACHED_MAX = 256

_Key = tuple[str, str, str | None]


def is_small_enough(file: File) -> bool:
    """Return False if the listing says that the file is too large for a preview."""
    return (file.size_bytes or 0) <= FILE_BYTES_MAX


class SourceThumbnails:
    """The CACHED_MAX latest thumbnails; concurrent requests for the same file share one rendering."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._cache: dict[_Key, asyncio.Task[bytes | None]] = {}

    async def get(self, file: File, *, source: Source) -> bytes:
        """Return a file as WebP, at most `WIDTH` pixels wide.

        Raises UnreadableError when none can be made, TransientError when too many are being made or it takes too long,
        and the source's errors.
        """
        key = (source.name, file.id, file.version or file.md5)
        task = self._cache.pop(key, None)
        if task is None:
            task = asyncio.create_task(self._render(file, source))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        self._cache[key] = task
        while len(self._cache) > CACHED_MAX:
            self._cache.pop(next(iter(self._cache)))
        # Shielded: a client that disconnects must not cancel it for the others that wait.
        body = await asyncio.shield(task)
        if body is None:
            raise UnreadableError("No thumbnail can be made of this file.")
        return body

    async def close(self) -> None:
        """Cancel what is in progress."""
        for task in self._cache.values():
            task.cancel()
        await asyncio.gather(*self._cache.values(), return_exceptions=True)

    def _forget_failed(self, key: _Key, task: asyncio.Task[bytes | None]) -> None:
        if (task.cancelled() or task.exception()) and self._cache.get(key) is task:
            del self._cache[key]

    async def _render(self, file: File, source: Source) -> bytes | None:
        """Return a thumbnail; None when none can be made."""
        try:
            async with asyncio.timeout(TIMEOUT_S), self._slots:
                # The whole file first: a slow source must not occupy a worker process that the gallery needs.
                data = await _read_all(file, source)
                turns = (file.media and file.media.rotation) or 0
                is_raw = file.mime_type.startswith("image/x-")
                request = RenderRequest(width=WIDTH, quarter_turns=turns, is_raw=is_raw)
                return (await self._pool.render(_single_chunk(data), request)).body
        except UnreadableError:
            return None
        except TimeoutError as exc:
            message = "The source took too long to send this file."
            raise TransientError(Reason.SOURCE_UNAVAILABLE, message, retry_after_s=5) from exc


async def _read_all(file: File, source: Source) -> bytes:
    data = bytearray()
    async with aclosing(source.stream(file)) as chunks:
        async for chunk in chunks:
            data += chunk
            if len(data) > FILE_BYTES_MAX:
                raise UnreadableError("It is too large for a preview.")
    return bytes(data)


async def _single_chunk(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
