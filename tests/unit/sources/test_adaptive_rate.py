"""The pace of calls, against sources that count them in the ways that sources do."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from imageferry.errors import NotFoundError, Reason, ThrottledError, TransientError
from imageferry.sources.adaptive_rate import Pace
from tests.drivers.virtual_time import VirtualTime


@dataclass
class Bucket:
    """Permits `calls_s` on the whole, and so many at once."""

    time: VirtualTime
    calls_s: float
    burst: float
    tokens: float = field(init=False)
    at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.at_s = self.burst, self.time.clock()

    def permits(self) -> bool:
        now_s = self.time.clock()
        self.tokens = min(self.burst, self.tokens + (now_s - self.at_s) * self.calls_s)
        self.at_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Window:
    """Permits so many calls in each span of time, whenever in it they come."""

    time: VirtualTime
    calls_s: float
    span_s: float
    counts: Counter[int] = field(default_factory=Counter)

    def permits(self) -> bool:
        window = int(self.time.clock() // self.span_s)
        if self.counts[window] >= self.calls_s * self.span_s:
            return False
        self.counts[window] += 1
        return True


@dataclass
class Minutes:
    """What became of the calls, by minute."""

    permitted: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)

    def refused_part(self, minute: int) -> float:
        return self.refused[minute] / (self.permitted[minute] + self.refused[minute])


async def drive(
    paces: Sequence[Pace], quota: Bucket | Window, *, time: VirtualTime, minutes: int, workers: int = 16
) -> Minutes:
    """As many calls as pass, for so many minutes, each answered after some 50 ms; each pace has so many workers."""
    seen = Minutes()
    began_s = time.clock()
    jitter = random.Random(7)

    async def call() -> None:
        await time.sleep(0.025)
        permitted = quota.permits()
        minute = int((time.clock() - began_s) // 60)
        (seen.permitted if permitted else seen.refused)[minute] += 1
        await time.sleep(0.05 * jitter.random())
        if not permitted:
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")

    async def worker(pace: Pace) -> None:
        while True:
            try:
                await pace.through(call)
            except ThrottledError:
                await time.sleep(0.5 + jitter.random())

    await time.run(*(worker(pace) for pace in paces for _ in range(workers)), until_s=60.0 * minutes - 0.001)
    return seen


@pytest.mark.parametrize(("calls_s", "burst"), [(50, 50), (83, 415), (200, 200)])
async def test_a_quota_is_used_up_and_hardly_ever_exceeded(calls_s: float, burst: float) -> None:
    time = VirtualTime()
    pace = Pace("bytes", clock=time.clock, sleep=time.sleep)
    seen = await drive([pace], Bucket(time, calls_s, burst), time=time, minutes=2)
    for minute in (0, 1):
        assert seen.permitted[minute] >= 0.95 * calls_s * 60
        assert seen.refused_part(minute) <= 0.01


async def test_time_in_which_there_is_nothing_to_do_says_nothing_of_the_quota() -> None:
    time = VirtualTime()
    pace = Pace("bytes", clock=time.clock, sleep=time.sleep)
    quota = Bucket(time, 83, 415)
    for _ in range(2):
        await time.run(time.sleep(300))
        seen = await drive([pace], quota, time=time, minutes=1)
        assert seen.permitted[0] >= 0.95 * 83 * 60


async def test_who_begins_where_others_have_used_up_the_quota_has_its_part_soon() -> None:
    time = VirtualTime()
    paces = [Pace("bytes", clock=time.clock, sleep=time.sleep) for _ in range(4)]
    quota = Bucket(time, 83, 20)
    await drive(paces[:3], quota, time=time, minutes=1)
    seen = await drive(paces, quota, time=time, minutes=1)
    assert seen.permitted[0] >= 0.95 * 83 * 60
    assert paces[3].calls_s is not None
    assert paces[3].calls_s >= 83 / 16


@pytest.mark.parametrize("span_s", [1.0, 60.0])
async def test_a_quota_by_the_second_or_the_minute_is_met(span_s: float) -> None:
    time = VirtualTime()
    pace = Pace("bytes", clock=time.clock, sleep=time.sleep)
    seen = await drive([pace], Window(time, 50, span_s), time=time, minutes=4)
    assert sum(seen.permitted.values()) >= 0.9 * 50 * 60 * 4
    assert all(seen.refused_part(minute) <= 0.01 for minute in range(4))


async def test_a_source_that_permits_more_later_is_given_more() -> None:
    time = VirtualTime()
    pace = Pace("bytes", clock=time.clock, sleep=time.sleep)
    quota = Bucket(time, 20, 20)
    await drive([pace], quota, time=time, minutes=1)
    quota.calls_s = quota.burst = 40
    seen = await drive([pace], quota, time=time, minutes=2)
    assert seen.permitted[1] >= 0.9 * 40 * 60


async def test_a_known_quota_is_never_exceeded() -> None:
    time = VirtualTime()
    pace = Pace("bytes", calls_s_max=30, clock=time.clock, sleep=time.sleep)
    seen = await drive([pace], Bucket(time, 30.01, 4), time=time, minutes=2)
    assert seen.refused.total() == 0
    assert seen.permitted.total() >= 0.99 * 30 * 60 * 2


async def test_nothing_waits_before_the_first_refusal() -> None:
    time = VirtualTime()
    pace = Pace("bytes", clock=time.clock, sleep=time.sleep)

    async def call() -> int:
        return 1

    assert sum([await pace.through(call) for _ in range(10_000)]) == 10_000
    assert pace.calls_s is None
    assert time.clock() == VirtualTime().clock()


async def test_retry_after_pauses_every_call_and_then_lets_one_alone_find_out() -> None:
    time = VirtualTime()
    pace = Pace("list", clock=time.clock, sleep=time.sleep)
    began_s = time.clock()
    began: list[float] = []

    async def call(*, refuse: bool) -> None:
        began.append(time.clock() - began_s)
        await time.sleep(1)
        if refuse:
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.", retry_after_s=20)

    async def life(*, refuse: bool) -> None:
        if refuse:
            with pytest.raises(ThrottledError):
                await pace.through(call, refuse=True)
        else:
            await time.sleep(2)
            await pace.through(call, refuse=False)

    await time.run(life(refuse=True), life(refuse=False), life(refuse=False))
    assert began[0] == 0
    assert began[1] == pytest.approx(21)
    assert began[2] >= 22


async def test_calls_that_were_under_way_at_a_refusal_count_as_one_with_it() -> None:
    time = VirtualTime()
    pace = Pace("list", clock=time.clock, sleep=time.sleep)

    async def call() -> None:
        await time.sleep(1)
        raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")

    async def permitted() -> None:
        await time.sleep(0.01)

    async def refused() -> None:
        with pytest.raises(ThrottledError):
            await pace.through(call)

    await time.run(*(refused() for _ in range(32)))
    began_s = time.clock()
    await time.run(pace.through(permitted))
    assert time.clock() - began_s < 0.2


@pytest.mark.parametrize("error", [TransientError, NotFoundError])
async def test_other_errors_slow_nothing_down(error: type[TransientError | NotFoundError]) -> None:
    pace = Pace("bytes")

    async def call() -> None:
        raise error(Reason.GONE, "Gone.")

    with pytest.raises(error):
        await pace.through(call)
    assert pace.calls_s is None
