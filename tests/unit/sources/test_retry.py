"""Retried calls, and streams that continue where they broke."""

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
from imageferry.sources.retry import RetryingSource, RetryPolicy
from tests.drivers.virtual_time import VirtualTime

CONTENT = bytes(range(256)) * 40


@dataclass(slots=True)
class BreakingSource(MemorySource):
    """Raises `errors` first, one per call; streams break before the offsets in `breaks`."""

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
            raise TransientError(Reason.SOURCE_UNAVAILABLE, "It broke off.")


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


async def test_a_transient_error_is_retried_until_the_call_succeeds(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.errors = [TransientError(Reason.CORRUPT, "Short.") for _ in range(4)]

    async def scenario() -> None:
        assert await source.read(file) == CONTENT

    await time.run(scenario())


async def test_tries_are_bounded_with_more_when_the_source_throttles(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    async def tries(error: ImageferryError) -> int:
        inner.errors = [error] * 100
        with pytest.raises(type(error)) as raised:
            await source.read(file)
        assert raised.value is error
        return 100 - len(inner.errors)

    async def scenario() -> None:
        assert await tries(TransientError(Reason.CORRUPT, "Short.")) == RetryPolicy().tries_max
        assert await tries(ThrottledError(Reason.RATE_LIMITED, "Slow.")) == RetryPolicy().throttled_tries_max

    await time.run(scenario())


@pytest.mark.parametrize("kind", [PermanentError, DeferredError, BlockedError])
async def test_other_errors_are_not_retried(
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
    started_s = time.clock()

    async def scenario() -> None:
        await source.read(file)

    await time.run(scenario())
    assert 60 <= time.clock() - started_s <= 90


async def test_a_retry_after_that_is_too_long_propagates(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.errors = [ThrottledError(Reason.RATE_LIMITED, "Slow.", retry_after_s=3600)]
    with pytest.raises(ThrottledError, match="Slow"):
        await source.read(file)


async def test_a_stream_continues_at_the_byte_where_it_broke(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.breaks = [0, 2500, 2500, 9999]

    async def scenario() -> None:
        assert b"".join([chunk async for chunk in source.stream(file)]) == CONTENT

    await time.run(scenario())
    assert inner.opened_at == [0, 0, 2500, 2500, 9999]


async def test_a_stream_that_breaks_after_its_last_byte_is_complete(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.breaks = [len(CONTENT)]
    assert b"".join([chunk async for chunk in source.stream(file)]) == CONTENT
    assert inner.opened_at == [0]


async def test_a_broken_stream_without_a_digest_propagates_the_error(
    source: RetryingSource, inner: BreakingSource, file: File
) -> None:
    inner.breaks = [2500]
    with pytest.raises(TransientError, match="broke"):
        [chunk async for chunk in source.stream(replace(file, md5=None))]
    assert inner.opened_at == [0]


async def test_a_stream_without_progress_fails(
    source: RetryingSource, inner: BreakingSource, file: File, time: VirtualTime
) -> None:
    inner.breaks = [500] * 100

    async def scenario() -> None:
        with pytest.raises(TransientError, match="broke"):
            _ = [chunk async for chunk in source.stream(file)]

    await time.run(scenario())
    assert len(inner.opened_at) == RetryPolicy().tries_max
