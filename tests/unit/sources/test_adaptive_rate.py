"""The adaptive rate limiter."""

import pytest

from imageferry.errors import NotFoundError, Reason, ThrottledError, TransientError
from imageferry.sources.adaptive_rate import AdaptiveRateLimiter
from tests.drivers.virtual_time import VirtualTime


async def test_nothing_waits_before_the_first_rejection() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)

    async def call() -> int:
        return 1

    assert sum([await limiter.call(call) for _ in range(10_000)]) == 10_000
    assert limiter.calls_per_s is None
    assert time.clock() == VirtualTime().clock()


async def test_retry_after_pauses_all_calls_and_then_one_probes_alone() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("list", clock=time.clock, sleep=time.sleep)
    started_s = time.clock()
    calls_at_s: list[float] = []

    async def call(*, reject: bool) -> None:
        calls_at_s.append(time.clock() - started_s)
        await time.sleep(1)
        if reject:
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.", retry_after_s=20)

    async def make_call(*, reject: bool) -> None:
        if reject:
            with pytest.raises(ThrottledError):
                await limiter.call(call, reject=True)
        else:
            await time.sleep(2)
            await limiter.call(call, reject=False)

    await time.run(make_call(reject=True), make_call(reject=False), make_call(reject=False))
    assert calls_at_s[0] == 0
    assert calls_at_s[1] == pytest.approx(21)
    assert calls_at_s[2] >= 22


async def test_rejections_of_concurrent_calls_count_as_one() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("list", clock=time.clock, sleep=time.sleep)

    async def call() -> None:
        await time.sleep(1)
        raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")

    async def permitted() -> None:
        await time.sleep(0.01)

    async def rejected() -> None:
        with pytest.raises(ThrottledError):
            await limiter.call(call)

    await time.run(*(rejected() for _ in range(32)))
    started_s = time.clock()
    await time.run(limiter.call(permitted))
    assert time.clock() - started_s < 0.2


@pytest.mark.parametrize("error", [TransientError, NotFoundError])
async def test_other_errors_slow_nothing_down(error: type[TransientError | NotFoundError]) -> None:
    limiter = AdaptiveRateLimiter("bytes")

    async def call() -> None:
        raise error(Reason.GONE, "Gone.")

    with pytest.raises(error):
        await limiter.call(call)
    assert limiter.calls_per_s is None
