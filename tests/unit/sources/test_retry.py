"""Calls that are made again, and streams that go on where they broke."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from imageferry.errors import (
    BlockedError,
    DeferredError,
    ImageferryError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from imageferry.model import File
from imageferry.sources.memory import MemorySource
from imageferry.sources.retry import Patience, RetryingSource
from tests.drivers.virtual_time import VirtualTime

CONTENT = bytes(range(256)) * 40


@dataclass(slots=True)
class BreakingSource(MemorySource):
    """Raises the given errors first, one a call; streams break before the given offsets."""

    errors: list[ImageferryError] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    opened_at: list[int] = field(default_factory=list)

    async def read(self, file: File) -> bytes:
        if self.errors:
            raise self.errors.pop(0)
        return self._contents[file.id]

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[bytes, None]:
        self.opened_at.append(offset_bytes)
        content = await self.read(file)
        end = self.breaks.pop(0) if self.breaks else None
        for start in range(offset_bytes, len(content) if end is None else end, 1000):
            yield content[start : min(start + 1000, end or len(content))]
        if end is not None:
            raise TransientError(Reason.SOURCE_UNAVAILABLE, "It broke.")


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def inner() -> BreakingSource:
    return BreakingSource()


@pytest.fixture
def file(inner: BreakingSource) -> File:
    return inner.add_file("a.jpg", CONTENT, parent=inner.add_folder("root"))


@pytest.fixture
def source(inner: BreakingSource, time: VirtualTime) -> RetryingSource:
    return RetryingSource(inner, sleep=time.sleep)


async def test_a_transient_error_is_tried_again_until_it_passes(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.errors = [TransientError(Reason.CORRUPT, "Short.") for _ in range(4)]

    async def life() -> None:
        assert await source.read(file) == CONTENT

    await time.run(life())


async def test_tries_are_bounded_and_longer_when_the_source_asks_to_slow_down(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    async def tries(error: ImageferryError) -> int:
        inner.errors = [error] * 100
        with pytest.raises(type(error)) as raised:
            await source.read(file)
        assert raised.value is error
        return 100 - len(inner.errors)

    async def life() -> None:
        assert await tries(TransientError(Reason.CORRUPT, "Short.")) == Patience().tries_max
        assert await tries(ThrottledError(Reason.RATE_LIMITED, "Slow.")) == Patience().throttled_tries_max

    await time.run(life())


@pytest.mark.parametrize("kind", [PermanentError, DeferredError, BlockedError])
async def test_what_cannot_pass_is_not_tried_again(
    source: RetryingSource, inner: BreakingSource, file: File, kind: type[ImageferryError]
) -> None:
    inner.errors = [kind(Reason.FORBIDDEN, "No.")] * 2
    with pytest.raises(kind):
        await source.read(file)
    assert len(inner.errors) == 1


async def test_retry_after_is_honoured(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.errors = [ThrottledError(Reason.RATE_LIMITED, "Slow.", retry_after_s=60)]
    began_s = time.clock()

    async def life() -> None:
        await source.read(file)

    await time.run(life())
    assert 60 <= time.clock() - began_s <= 90


async def test_a_pause_too_long_to_wait_for_is_handed_on(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.errors = [ThrottledError(Reason.RATE_LIMITED, "Slow.", retry_after_s=3600)]
    with pytest.raises(ThrottledError, match="Slow"):
        await source.read(file)


async def test_a_stream_goes_on_at_the_byte_where_it_broke(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.breaks = [0, 2500, 2500, 9999]

    async def life() -> None:
        assert b"".join([chunk async for chunk in source.stream(file)]) == CONTENT

    await time.run(life())
    assert inner.opened_at == [0, 0, 2500, 2500, 9999]


async def test_a_stream_that_breaks_behind_its_last_byte_is_whole(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.breaks = [len(CONTENT)]
    assert b"".join([chunk async for chunk in source.stream(file)]) == CONTENT
    assert inner.opened_at == [0]


async def test_a_stream_whose_bytes_nothing_can_verify_is_begun_anew_by_whoever_reads(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.breaks = [2500]
    with pytest.raises(TransientError, match="broke"):
        [chunk async for chunk in source.stream(replace(file, md5=None))]
    assert inner.opened_at == [0]


async def test_a_stream_that_gets_nowhere_ends(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.breaks = [500] * 100

    async def life() -> None:
        with pytest.raises(TransientError, match="broke"):
            _ = [chunk async for chunk in source.stream(file)]

    await time.run(life())
    assert len(inner.opened_at) == Patience().tries_max
