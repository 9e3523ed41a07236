"""A source around a source that counts the calls, by what became of each."""

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


class Meter(Protocol):
    """Whoever is told of the calls."""

    def called(self, kind: str, result: str, *, again: bool, times: int = 1) -> None:
        """Calls of a kind, `list` or `bytes`, came to `ok` or an error's reason; `again`: they are made again."""
        ...

    def paced(self, kind: str, calls_s: float) -> None:
        """The rate that calls of a kind are paced at, now."""
        ...


class MeteredSource:
    """Stands between what paces calls and what repeats them: it sees every try, and the rate."""

    def __init__(self, source: Source, *, paced: ThrottledSource, meter: Meter) -> None:
        self.name = source.name
        self._source = source
        self._paced = paced
        self._meter = meter
        self._show_rates()

    async def resolve(self, locator: FolderRef) -> Folder:
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

    async def _counted(self, kind: str, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            result = await call(*args, **kwargs)
        except ImageferryError as exc:
            self._count(kind, exc)
            raise
        self._count(kind, None)
        return result

    def _count(self, kind: str, error: ImageferryError | None) -> None:
        result = OK if error is None else error.reason.value
        self._meter.called(kind, result, again=isinstance(error, TransientError))
        self._show_rates()

    def _show_rates(self) -> None:
        rates = self._paced.rates
        for kind, calls_s in ((LIST, rates.list_calls_s), (BYTES, rates.byte_calls_s)):
            if calls_s is not None:
                self._meter.paced(kind, calls_s)
