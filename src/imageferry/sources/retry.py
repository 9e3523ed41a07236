"""A source wrapper that retries transient errors with exponential backoff."""

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

PROGRESS_BYTES = 1 << 20  # a stream that advanced by this much starts counting its tries again


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often a call is made, and how long to wait between the tries."""

    tries_max: int = 5  # per call, including the first
    throttled_tries_max: int = 16  # per call when the source throttles; it recovers eventually
    wait_s_min: float = 0.5  # before the second try; doubles with each further try
    # Before the third try after a throttled one, and doubles. The second follows at once: the rate limiter, which has
    # seen the rejection, says when, and a call that was rejected by chance is not held up.
    throttled_wait_s_min: float = 0.02
    wait_s_max: float = 30.0
    retry_after_s_max: float = 120.0  # no retry when the source asks for more; the error carries the time

    def wait_s(self, error: TransientError, *, tries: int) -> float | None:
        """Return the wait after `tries` tries, with jitter; None: give up."""
        is_throttled = isinstance(error, ThrottledError)
        retry_after_s = error.retry_after_s or 0.0
        tries_max = self.throttled_tries_max if is_throttled else self.tries_max
        if tries >= tries_max or retry_after_s > self.retry_after_s_max:
            return None
        wait_s_min, doublings = (self.throttled_wait_s_min, tries - 2) if is_throttled else (self.wait_s_min, tries - 1)
        backoff_s = 0.0 if doublings < 0 else min(wait_s_min * 2.0**doublings, self.wait_s_max)
        # Jitter keeps calls that failed together from returning together.
        return max(retry_after_s, backoff_s) * random.uniform(1.0, 1.5)


class RetryingSource:
    """Retries calls that raise TransientError; other errors propagate at once.

    A broken stream continues at the byte where it broke if the file has an MD5, which will verify the whole.
    """

    def __init__(self, source: Source, *, policy: RetryPolicy | None = None, sleep: Sleep = asyncio.sleep) -> None:
        self.name = source.name
        self._source = source
        self._policy = policy or RetryPolicy()
        self._sleep = sleep

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        return await self._retry(self._source.resolve, folder_ref)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._retry(self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._retry(self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._retry(self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        position = offset_bytes
        tries = 0
        while True:
            start = position
            try:
                async with aclosing(self._source.stream(file, offset_bytes=position)) as chunks:
                    async for chunk in chunks:
                        position += len(chunk)
                        yield chunk
            except TransientError as exc:
                if 0 < position == file.size_bytes:
                    return  # it broke after the last byte
                if position > offset_bytes and file.md5 is None:
                    raise  # without a digest a changed file would go unnoticed
                tries = 1 if position - start >= PROGRESS_BYTES else tries + 1
                await self._wait(exc, tries=tries)
            else:
                return

    async def close(self) -> None:
        """See Source."""
        await self._source.close()

    async def _retry(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        tries = 0
        while True:
            try:
                return await function(*args, **kwargs)
            except TransientError as exc:
                tries += 1
                await self._wait(exc, tries=tries)

    async def _wait(self, error: TransientError, *, tries: int) -> None:
        """Wait before the next try, or raise the error when there is none. Call it in the error's except block."""
        wait_s = self._policy.wait_s(error, tries=tries)
        if wait_s is None:
            raise error
        log.info("source.retried", reason=error.reason, detail=error.message, tries=tries, wait_s=round(wait_s, 2))
        await self._sleep(wait_s)
