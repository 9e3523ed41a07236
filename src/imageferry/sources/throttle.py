"""A source wrapper that keeps to the call rates its source permits."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.adaptive_rate import AdaptiveRateLimiter, Clock, Sleep
from imageferry.sources.base import Source


class CallRates(Struct, frozen=True, kw_only=True):
    """The current rates of a source, in calls per second; None: unlimited."""

    list_calls_per_s: float | None
    byte_calls_per_s: float | None


class ThrottledSource:
    """Limits the rates of listing and of bytes separately, each with an AdaptiveRateLimiter.

    `list_calls_per_s_max` and `byte_calls_per_s_max` are known quotas, which are never exceeded.
    """

    def __init__(
        self,
        source: Source,
        *,
        list_calls_per_s_max: float | None = None,
        byte_calls_per_s_max: float | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = source.name
        self._source = source
        self._list_limiter = AdaptiveRateLimiter("list", calls_per_s_max=list_calls_per_s_max, clock=clock, sleep=sleep)
        self._byte_limiter = AdaptiveRateLimiter(
            "bytes", calls_per_s_max=byte_calls_per_s_max, clock=clock, sleep=sleep
        )

    @property
    def rates(self) -> CallRates:
        """The current rates."""
        return CallRates(
            list_calls_per_s=self._list_limiter.calls_per_s, byte_calls_per_s=self._byte_limiter.calls_per_s
        )

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        return await self._list_limiter.call(self._source.resolve, folder_ref)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._list_limiter.call(self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._list_limiter.call(self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._byte_limiter.call(self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source. The first chunk waits for a turn."""
        async with aclosing(self._source.stream(file, offset_bytes=offset_bytes)) as chunks:
            first = await self._byte_limiter.call(anext, chunks, b"")
            if first:
                yield first
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._source.close()
