"""A source around a source that tries again what may succeed when it is made again."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import ParamSpec, TypeVar

from msgspec import Struct

from imageferry.errors import ThrottledError, TransientError
from imageferry.log import log
from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.adaptive_rate import Sleep
from imageferry.sources.base import Source

P = ParamSpec("P")
T = TypeVar("T")

PROGRESS_BYTES = 1 << 20  # a stream that came so much further has not failed at the same place


class Patience(Struct, frozen=True, kw_only=True):
    """How often a call is made again, and how long it waits in between."""

    tries_max: int = 5  # of a call, the first one included
    throttled_tries_max: int = 12  # the same, where the source asks to slow down: it will have us in the end
    wait_s_min: float = 0.5  # before the second try; twice that before the third, and so on
    wait_s_max: float = 30.0
    retry_after_s_max: float = 120.0  # a source that asks for more is left alone; the error says when to return

    def wait_s(self, error: TransientError, *, tries: int) -> float | None:
        """How long to wait after so many tries, with jitter; None: give up."""
        tries_max = self.throttled_tries_max if isinstance(error, ThrottledError) else self.tries_max
        retry_after_s = error.retry_after_s or 0.0
        if tries >= tries_max or retry_after_s > self.retry_after_s_max:
            return None
        backoff_s = min(self.wait_s_min * 2.0 ** (tries - 1), self.wait_s_max)
        # Jitter, so that calls which failed together do not come back together.
        return max(retry_after_s, backoff_s) * random.uniform(1.0, 1.5)


class RetryingSource:
    """Makes a call again after a TransientError, within bounds; all other errors pass at once.

    A stream goes on at the byte where it broke, where a digest will tell whether its parts belong together.
    """

    def __init__(self, source: Source, *, patience: Patience | None = None, sleep: Sleep = asyncio.sleep) -> None:
        self.name = source.name
        self._source = source
        self._patience = patience or Patience()
        self._sleep = sleep

    async def resolve(self, locator: FolderRef) -> Folder:
        """See Source."""
        return await self._again(self._source.resolve, locator)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._again(self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._again(self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._again(self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        position = offset_bytes
        tries = 0
        while True:
            opened_at = position
            try:
                async with aclosing(self._source.stream(file, offset_bytes=position)) as chunks:
                    async for chunk in chunks:
                        position += len(chunk)
                        yield chunk
            except TransientError as exc:
                if 0 < position == file.size_bytes:
                    return  # it broke behind the last byte
                if position > offset_bytes and file.md5 is None:
                    raise  # another version might follow, and nothing would tell
                tries = 1 if position - opened_at >= PROGRESS_BYTES else tries + 1
                await self._wait(exc, tries=tries)
            else:
                return

    async def close(self) -> None:
        """See Source."""
        await self._source.close()

    async def _again(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        tries = 0
        while True:
            try:
                return await call(*args, **kwargs)
            except TransientError as exc:
                tries += 1
                await self._wait(exc, tries=tries)

    async def _wait(self, error: TransientError, *, tries: int) -> None:
        """Waits before the next try; raises the error when there is to be none. Called while it is handled."""
        wait_s = self._patience.wait_s(error, tries=tries)
        if wait_s is None:
            raise error
        log.info("source.retried", reason=error.reason, detail=error.message, tries=tries, wait_s=round(wait_s, 2))
        await self._sleep(wait_s)
