"""The adaptive rate limiter against token buckets and fixed windows, over minutes of virtual time."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from imageferry.errors import Reason, ThrottledError
from imageferry.sources.adaptive_rate import AdaptiveRateLimiter
from tests.drivers.virtual_time import VirtualTime


@dataclass
class TokenBucket:
    """Permits `calls_per_s` on average, and `burst` at once."""

    time: VirtualTime
    calls_per_s: float
    burst: float
    tokens: float = field(init=False)
    at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.at_s = self.burst, self.time.clock()

    def permits(self) -> bool:
        now_s = self.time.clock()
        self.tokens = min(self.burst, self.tokens + (now_s - self.at_s) * self.calls_per_s)
        self.at_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class FixedWindow:
    """Permits so many calls in each period of `span_s`."""

    time: VirtualTime
    calls_per_s: float
    span_s: float
    counts: Counter[int] = field(default_factory=Counter)

    def permits(self) -> bool:
        window = int(self.time.clock() // self.span_s)
        if self.counts[window] >= self.calls_per_s * self.span_s:
            return False
        self.counts[window] += 1
        return True


@dataclass
class CallsByMinute:
    """Counts of permitted and rejected calls, by minute."""

    permitted: Counter[int] = field(default_factory=Counter)
    rejected: Counter[int] = field(default_factory=Counter)

    def rejected_fraction(self, minute: int) -> float:
        return self.rejected[minute] / (self.permitted[minute] + self.rejected[minute])


async def drive(
    limiters: Sequence[AdaptiveRateLimiter],
    quota: TokenBucket | FixedWindow,
    *,
    time: VirtualTime,
    minutes: int,
    workers: int = 16,
) -> CallsByMinute:
    """Make as many calls as pass for so many minutes, each taking about 50 ms, with `workers` per limiter."""
    counts = CallsByMinute()
    started_s = time.clock()
    jitter = random.Random(7)

    async def call() -> None:
        await time.sleep(0.025)
        permitted = quota.permits()
        minute = int((time.clock() - started_s) // 60)
        (counts.permitted if permitted else counts.rejected)[minute] += 1
        await time.sleep(0.05 * jitter.random())
        if not permitted:
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")

    async def worker(limiter: AdaptiveRateLimiter) -> None:
        while True:
            try:
                await limiter.call(call)
            except ThrottledError:
                await time.sleep(0.5 + jitter.random())

    await time.run(*(worker(limiter) for limiter in limiters for _ in range(workers)), until_s=60.0 * minutes - 0.001)
    return counts


@pytest.mark.parametrize(("calls_per_s", "burst"), [(50, 50), (83, 415), (200, 200)])
async def test_the_quota_is_used_up_and_seldom_exceeded(calls_per_s: float, burst: float) -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    counts = await drive([limiter], TokenBucket(time, calls_per_s, burst), time=time, minutes=2)
    for minute in (0, 1):
        assert counts.permitted[minute] >= 0.95 * calls_per_s * 60
        assert counts.rejected_fraction(minute) <= 0.01


async def test_idle_time_does_not_lower_the_measured_rate() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    quota = TokenBucket(time, 83, 415)
    for _ in range(2):
        await time.run(time.sleep(300))
        counts = await drive([limiter], quota, time=time, minutes=1)
        assert counts.permitted[0] >= 0.95 * 83 * 60


async def test_a_process_that_starts_when_the_quota_is_used_up_soon_gets_its_share() -> None:
    time = VirtualTime()
    limiters = [AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep) for _ in range(4)]
    quota = TokenBucket(time, 83, 20)
    await drive(limiters[:3], quota, time=time, minutes=1)
    counts = await drive(limiters, quota, time=time, minutes=1)
    assert counts.permitted[0] >= 0.95 * 83 * 60
    assert limiters[3].calls_per_s is not None
    assert limiters[3].calls_per_s >= 83 / 16


@pytest.mark.parametrize("span_s", [1.0, 60.0])
async def test_quotas_per_second_and_per_minute_are_used_up(span_s: float) -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    counts = await drive([limiter], FixedWindow(time, 50, span_s), time=time, minutes=4)
    assert sum(counts.permitted.values()) >= 0.9 * 50 * 60 * 4
    assert all(counts.rejected_fraction(minute) <= 0.01 for minute in range(4))


async def test_the_rate_rises_when_the_source_permits_more() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    quota = TokenBucket(time, 20, 20)
    await drive([limiter], quota, time=time, minutes=1)
    quota.calls_per_s = quota.burst = 40
    counts = await drive([limiter], quota, time=time, minutes=2)
    assert counts.permitted[1] >= 0.9 * 40 * 60


async def test_a_known_quota_is_never_exceeded() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", calls_per_s_max=30, clock=time.clock, sleep=time.sleep)
    counts = await drive([limiter], TokenBucket(time, 30.01, 4), time=time, minutes=2)
    assert counts.rejected.total() == 0
    assert counts.permitted.total() >= 0.99 * 30 * 60 * 2
