"""A source around a source that counts the calls, by what became of each."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import ParamSpec, TypeVar

from prometheus_client import Counter, Gauge

from imageferry.errors import ImageferryError, TransientError
from imageferry.model import Content, File, Folder, Locator, Page
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource

P = ParamSpec("P")
T = TypeVar("T")

LIST, BYTES = "list", "bytes"
OK = "ok"


class MeteredSource:
    """Stands between what paces calls and what repeats them: it sees every try, and the rate."""

    def __init__(
        self, source: Source, *, paced: ThrottledSource, calls: Counter, retries: Counter, rate: Gauge
    ) -> None:
        self.name = source.name
        self._source = source
        self._paced = paced
        self._calls = calls
        self._retries = retries
        self._rate = rate
        self._well = {kind: calls.labels(kind, OK) for kind in (LIST, BYTES)}
        self._show_rates()

    async def resolve(self, locator: Locator) -> Folder:
        """See Source."""
        return await self._counted(LIST, self._source.resolve, locator)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        return await self._counted(LIST, self._source.list_page, folder, page_token=page_token)

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        return await self._counted(LIST, self._source.stat, file_id, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        return await self._counted(BYTES, self._source.read, file)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[bytes, None]:
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

    async def _counted(self, kind: str, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = await call(*args, **kwargs)
        except ImageferryError as exc:
            self._count(kind, exc)
            raise
        self._count(kind, None)
        return result

    def _count(self, kind: str, error: ImageferryError | None) -> None:
        if error is None:
            self._well[kind].inc()
        else:
            self._calls.labels(kind, error.reason).inc()
        if isinstance(error, TransientError):
            self._retries.labels("source", error.reason).inc()
        self._show_rates()

    def _show_rates(self) -> None:
        rates = self._paced.rates
        for kind, rate in ((LIST, rates.list_calls_s), (BYTES, rates.byte_calls_s)):
            if rate is not None:
                self._rate.labels(kind).set(rate)
