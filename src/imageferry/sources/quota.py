"""A source wrapper that keeps to call quotas shared with other processes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.base import Source


class CallQuota(Protocol):
    """A quota for one kind of call, as imageferry.sources.redis_quota."""

    async def acquire(self) -> None:
        """Wait until one call may be made."""
        ...

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        ...


class QuotaSource:
    """Acquires a quota before each call, separately for listing and for bytes. None: no quota for that kind."""

    def __init__(
        self, source: Source, *, list_calls: CallQuota | None = None, byte_calls: CallQuota | None = None
    ) -> None:
        self.name = source.name
        self._source = source
        self._list_quota = list_calls
        self._byte_quota = byte_calls

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        await _acquire(self._list_quota)
        return await self._source.resolve(folder_ref)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        await _acquire(self._list_quota)
        return await self._source.list_page(folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        await _acquire(self._list_quota)
        return await self._source.stat(file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        await _acquire(self._byte_quota)
        return await self._source.read(file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        await _acquire(self._byte_quota)
        async with aclosing(self._source.stream(file, offset_bytes=offset_bytes)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._source.close()
        for quota in (self._list_quota, self._byte_quota):
            if quota is not None:
                await quota.close()


async def _acquire(quota: CallQuota | None) -> None:
    if quota is not None:
        await quota.acquire()
