"""A source with rate limits."""

from collections.abc import AsyncGenerator

import pytest

from imageferry.errors import Reason, ThrottledError
from imageferry.model import Content, File
from imageferry.sources.memory import MemorySource
from imageferry.sources.throttle import CallRates, ThrottledSource
from tests.drivers.virtual_time import VirtualTime


class ThrottlingSource(MemorySource):
    """Rejects the first stream."""

    has_rejected = False

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        if not self.has_rejected:
            self.has_rejected = True
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")
        async for chunk in super().stream(file, offset_bytes=offset_bytes):
            yield chunk


async def test_listing_and_bytes_are_limited_separately() -> None:
    time = VirtualTime()
    inner = ThrottlingSource()
    root = inner.add_folder("root")
    file = inner.add_file("a.jpg", b"abc", parent=root)
    source = ThrottledSource(inner, clock=time.clock, sleep=time.sleep)

    async def scenario() -> None:
        with pytest.raises(ThrottledError):
            _ = [chunk async for chunk in source.stream(file)]
        assert [chunk async for chunk in source.stream(file, offset_bytes=1)] == [b"bc"]
        await source.list_page(root)

    assert source.rates == CallRates(list_calls_per_s=None, byte_calls_per_s=None)
    await time.run(scenario())
    assert source.rates.list_calls_per_s is None
    assert source.rates.byte_calls_per_s is not None


async def test_configured_quotas_are_the_initial_rates() -> None:
    source = ThrottledSource(MemorySource(), list_calls_per_s_max=5, byte_calls_per_s_max=50)
    assert source.rates == CallRates(list_calls_per_s=5, byte_calls_per_s=50)


async def test_an_empty_file_streams_no_chunks() -> None:
    inner = MemorySource()
    file = inner.add_file("empty", b"", parent=inner.add_folder("root"))
    assert [chunk async for chunk in ThrottledSource(inner).stream(file)] == []
