"""A source around a source that keeps to a quota which many processes share."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.base import Source


class Quota(Protocol):
    """What calls of one kind wait for."""

    async def admit(self) -> None:
        """Returns when a call may be made."""
        ...

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        ...


class SharedSource:
    """Waits for the quota before each call, listing and bytes apart; None: that kind has none."""

    def __init__(self, source: Source, *, list_calls: Quota | None = None, byte_calls: Quota | None = None) -> None:
        self.name = source.name
        self._source = source
        self._listing = list_calls
        self._bytes = byte_calls

    async def resolve(self, locator: FolderRef) -> Folder:
        """See Source."""
        await _admitted(self._listing)
        return await self._source.resolve(locator)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        await _admitted(self._listing)
        return await self._source.list_page(folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        await _admitted(self._listing)
        return await self._source.stat(file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        await _admitted(self._bytes)
        return await self._source.read(file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        await _admitted(self._bytes)
        async with aclosing(self._source.stream(file, offset_bytes=offset_bytes)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._source.close()
        for quota in (self._listing, self._bytes):
            if quota is not None:
                await quota.close()


async def _admitted(quota: Quota | None) -> None:
    if quota is not None:
        await quota.admit()
