"""A source wrapper that counts calls by their result."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import ParamSpec, Protocol, TypeVar

from imageferry.errors import ImageferryError, TransientError
from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource

P = ParamSpec("P")
T = TypeVar("T")

LIST, BYTES = "list", "bytes"
OK = "ok"


class CallMeter(Protocol):
    """Receives the counts of calls and the current rate limits."""

    def count_calls(self, kind: str, result: str, *, will_retry: bool, count: int = 1) -> None:
        """Count calls of a kind, `list` or `bytes`, with the result `ok` or an error's reason."""
        ...

    def set_rate_limit(self, kind: str, calls_s: float) -> None:
        """Set the current rate limit of a kind of calls."""
        ...


class MeteredSource:
    """Wraps the throttled source and is wrapped by the retrying one: it sees every attempt and the rate limit."""

    def __init__(self, source: Source, *, throttled: ThrottledSource, meter: CallMeter) -> None:
        self.name = source.name
        self._source = source
        self._throttled = throttled
        self._meter = meter
        self._report_rate_limits()

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        return await self._call(LIST, self._source.resolve, folder_ref)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._call(LIST, self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._call(LIST, self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._call(BYTES, self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        try:
            async with aclosing(self._source.stream(file, offset_bytes=offset_bytes)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except ImageferryError as exc:
            self._count(BYTES, exc)
            raise
        self._count(BYTES, None)

    async def close(self) -> None:
        """See Source."""
        await self._source.close()

    async def _call(self, kind: str, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = await call(*args, **kwargs)
        except ImageferryError as exc:
            self._count(kind, exc)
            raise
        self._count(kind, None)
        return result

    def _count(self, kind: str, error: ImageferryError | None) -> None:
        result = OK if error is None else error.reason.value
        self._meter.count_calls(kind, result, will_retry=isinstance(error, TransientError))
        self._report_rate_limits()

    def _report_rate_limits(self) -> None:
        rates = self._throttled.rates
        for kind, calls_s in ((LIST, rates.list_calls_per_s), (BYTES, rates.byte_calls_per_s)):
            if calls_s is not None:
                self._meter.set_rate_limit(kind, calls_s)
