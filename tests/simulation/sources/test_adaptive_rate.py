"""The adaptive rate limiter against token buckets, windows and random refusals, over minutes of virtual time."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from imageferry.errors import Reason, ThrottledError
from imageferry.sources.adaptive_rate import AdaptiveRateLimiter
from imageferry.sources.retry import RetryPolicy
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


class NoQuota:
    """Permits every call."""

    def permits(self) -> bool:
        return True


@dataclass
class CallsByMinute:
    """Counts of permitted and rejected calls, by minute."""

    permitted: Counter[int] = field(default_factory=Counter)
    rejected: Counter[int] = field(default_factory=Counter)

    def rejected_fraction(self, minute: int) -> float:
        return self.rejected[minute] / (self.permitted[minute] + self.rejected[minute])


CALL_S = 0.05  # on average
WORKERS = 16
UNLIMITED_CALLS_PER_S = WORKERS / CALL_S


async def drive(
    limiters: Sequence[AdaptiveRateLimiter],
    quota: TokenBucket | FixedWindow | NoQuota,
    *,
    time: VirtualTime,
    minutes: float,
    refused_at_random: float = 0.0,
    retry_after_s: float | None = None,
) -> CallsByMinute:
    """Make as many calls as pass for so many minutes, with WORKERS per limiter. Every call must pass eventually.

    `refused_at_random` is the share of calls that is refused whatever the rate; these are not counted as rejected.
    """
    counts = CallsByMinute()
    started_s = time.clock()
    random.seed(7)  # of the retries' jitter
    rng = random.Random(7)
    policy = RetryPolicy()

    async def call() -> None:
        await time.sleep(CALL_S / 4)
        minute = int((time.clock() - started_s) // 60)
        permitted = rng.random() >= refused_at_random
        if permitted:
            permitted = quota.permits()
            (counts.permitted if permitted else counts.rejected)[minute] += 1
        await time.sleep(CALL_S * (0.25 + rng.random()))
        if not permitted:
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.", retry_after_s=retry_after_s)

    async def make_call(limiter: AdaptiveRateLimiter) -> None:
        tries = 0
        while True:
            try:
                return await limiter.call(call)
            except ThrottledError as exc:
                tries += 1
                wait_s = policy.wait_s(exc, tries=tries)
                assert wait_s is not None
                await time.sleep(wait_s)

    async def worker(limiter: AdaptiveRateLimiter) -> None:
        while True:
            await make_call(limiter)

    await time.run(*(worker(limiter) for limiter in limiters for _ in range(WORKERS)), until_s=60.0 * minutes - 0.001)
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


@pytest.mark.parametrize(
    ("refused", "retry_after_s", "kept"),
    [(0.005, None, 0.7), (0.02, None, 0.7), (0.1, None, 0.7), (0.3, None, 0.5), (0.1, 1.0, 0.7)],
)
async def test_calls_that_are_refused_at_random_slow_nothing_down(
    refused: float, retry_after_s: float | None, kept: float
) -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    counts = await drive(
        [limiter], NoQuota(), time=time, minutes=0.4, refused_at_random=refused, retry_after_s=retry_after_s
    )
    assert counts.permitted[0] >= kept * UNLIMITED_CALLS_PER_S * 24


@pytest.mark.parametrize("refused", [0.02, 0.1])
async def test_a_quota_is_used_up_although_calls_are_also_refused_at_random(refused: float) -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    counts = await drive([limiter], TokenBucket(time, 83, 415), time=time, minutes=2, refused_at_random=refused)
    assert sum(counts.permitted.values()) >= 0.85 * 83 * 120
    assert sum(counts.rejected.values()) <= 0.05 * sum(counts.permitted.values())


async def test_refusals_at_random_may_begin_and_end_while_a_quota_lasts() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    quota = TokenBucket(time, 83, 83)
    for refused in (0.0, 0.1, 0.0):
        counts = await drive([limiter], quota, time=time, minutes=1, refused_at_random=refused)
        assert counts.permitted[0] >= 0.9 * 83 * 60
    # Until the next trial the limiter takes the refusals of the quota for random ones.
    assert counts.rejected_fraction(0) <= 0.1


async def test_a_closed_source_is_probed_and_not_taken_for_one_that_refuses_at_random() -> None:
    time = VirtualTime()
    limiter = AdaptiveRateLimiter("bytes", clock=time.clock, sleep=time.sleep)
    quota = TokenBucket(time, 200, 200)
    await drive([limiter], quota, time=time, minutes=1)
    quota.calls_per_s = quota.burst = 0
    counts = await drive([limiter], quota, time=time, minutes=0.5)
    assert counts.rejected[0] <= WORKERS + 20
