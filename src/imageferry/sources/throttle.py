"""A source around a source that keeps to the rate which the inner one permits."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Struct

from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.adaptive_rate import Clock, Pace, Sleep
from imageferry.sources.base import Source


class Rates(Struct, frozen=True, kw_only=True):
    """What a source is paced at; None: not at all."""

    list_calls_s: float | None
    byte_calls_s: float | None


class ThrottledSource:
    """Paces listing and bytes apart: each as fast as it goes until it is refused, then by measure.

    `list_calls_s_max` and `byte_calls_s_max` are quotas that are never exceeded.
    """

    def __init__(
        self,
        source: Source,
        *,
        list_calls_s_max: float | None = None,
        byte_calls_s_max: float | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = source.name
        self._source = source
        self._listing = Pace("list", calls_s_max=list_calls_s_max, clock=clock, sleep=sleep)
        self._bytes = Pace("bytes", calls_s_max=byte_calls_s_max, clock=clock, sleep=sleep)

    @property
    def rates(self) -> Rates:
        """The rates now."""
        return Rates(list_calls_s=self._listing.calls_s, byte_calls_s=self._bytes.calls_s)

    async def resolve(self, locator: FolderRef) -> Folder:
        """See Source."""
        return await self._listing.through(self._source.resolve, locator)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._listing.through(self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._listing.through(self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._bytes.through(self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source; the call that is paced is the one that brings the first chunk."""
        async with aclosing(self._source.stream(file, offset_bytes=offset_bytes)) as chunks:
            first = await self._bytes.through(anext, chunks, b"")
            if first:
                yield first
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._source.close()
