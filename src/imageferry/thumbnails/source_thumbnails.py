"""Thumbnails of files that nobody imported yet: a handful of a plan's, read from their source and kept for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from imageferry.errors import Reason, TransientError
from imageferry.model import File
from imageferry.sources.base import Source
from imageferry.thumbnails.protocol import Order, UnreadableError
from imageferry.thumbnails.worker_pool import Pool

WIDTH = 256
# A glimpse is worth a small file's bytes and a few of the source's calls; jobs need the rest.
FILE_BYTES_MAX = 8 * 1024 * 1024
AT_ONCE = 3
WITHIN_S = 20.0
# Of some 10 kB each; what cannot be drawn is remembered, too.
KEPT_MAX = 256

_Key = tuple[str, str, str | None]


def is_small(file: File) -> bool:
    """Whether a glimpse of it may be had, as far as the listing tells its size."""
    return (file.size_bytes or 0) <= FILE_BYTES_MAX


class Glimpses:
    """The latest glimpses; each is made once, however many ask."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: dict[_Key, asyncio.Task[bytes | None]] = {}

    async def get(self, file: File, *, source: Source) -> bytes:
        """A file as WebP, at most `WIDTH` pixels wide.

        Raises UnreadableError when none can be made, TransientError when too many are being made or it takes too long,
        and the source's errors.
        """
        key = (source.name, file.id, file.version or file.md5)
        task = self._kept.pop(key, None)
        if task is None:
            task = asyncio.create_task(self._made(file, source))
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        self._kept[key] = task
        while len(self._kept) > KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        # Who leaves does not take it from those who wait with him.
        body = await asyncio.shield(task)
        if body is None:
            raise UnreadableError("No thumbnail can be made of this file.")
        return body

    async def close(self) -> None:
        """End what is under way."""
        for task in self._kept.values():
            task.cancel()
        await asyncio.gather(*self._kept.values(), return_exceptions=True)

    def _forget_failed(self, key: _Key, task: asyncio.Task[bytes | None]) -> None:
        if (task.cancelled() or task.exception()) and self._kept.get(key) is task:
            del self._kept[key]

    async def _made(self, file: File, source: Source) -> bytes | None:
        try:
            async with asyncio.timeout(WITHIN_S), self._room:
                # Whole, before a decoder is taken: a slow source would hold it up for the gallery.
                data = await _whole(file, source)
                turns = (file.media and file.media.rotation) or 0
                order = Order(width=WIDTH, quarter_turns=turns, raw=file.mime_type.startswith("image/x-"))
                return (await self._pool.draw(_one(data), order)).body
        except UnreadableError:
            return None
        except TimeoutError as exc:
            message = "The source takes too long for a glimpse of this file."
            raise TransientError(Reason.SOURCE_UNAVAILABLE, message, retry_after_s=5) from exc


async def _whole(file: File, source: Source) -> bytes:
    data = bytearray()
    async with aclosing(source.stream(file)) as chunks:
        async for chunk in chunks:
            data += chunk
            if len(data) > FILE_BYTES_MAX:
                raise UnreadableError("It is too large for a glimpse.")
    return bytes(data)


async def _one(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
