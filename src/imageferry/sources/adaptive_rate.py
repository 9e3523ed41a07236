"""A rate limiter that finds out the rate its source permits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from imageferry.errors import ImageferryError, ThrottledError, TransientError
from imageferry.log import log

Clock = Callable[[], float]  # seconds, monotonic
Sleep = Callable[[float], Awaitable[None]]

P = ParamSpec("P")
T = TypeVar("T")

# After a rejected call: a pause, then a single call that probes whether calls are permitted again.
PAUSE_S_MIN = 0.05
PAUSE_S_MAX = 4.0

# The calls permitted between two rejections measure the source's quota, however it counts. At a rate slightly below
# it, most calls pass and the quota is rarely hit.
TARGET_FRACTION = 0.98
SPAN_S_MIN = 1.0  # a shorter measurement is unreliable: the rate is then cut by no more than half
SPAN_S_MAX = 60.0  # quotas count per minute at most
# A process that starts when others have used up the quota is rejected at once. Its first rate is a guess, so that it
# gets a share of the quota eventually; a guess that is too high costs one or two rejections.
INITIAL_CALLS_PER_S_MIN = 10.0

# How the rate grows from there: 2% after 4 s, 10% after 12 s, threefold after a minute.
GROWTH = 0.003
GROWTH_SQUARED = 0.0004
# A rate measured over fewer calls than this is less certain and grows faster in proportion, up to a bound.
CERTAIN_CALLS = 120.0
UNCERTAINTY_MAX = 8.0
GROWTH_CALLS_PER_S = 25  # growth is slower at lower call rates, so that at most about 1 call in 100 is rejected

LATENESS_S = 0.1  # a delay of the event loop of up to this is caught up with
# Rejected callers wait about this long before they retry. After a longer gap the limiter counts as idle, and the
# time is not measured: how much the source would have permitted in it is unknown.
IDLE_AFTER_S = 1.0


class AdaptiveRateLimiter:
    """Lets calls pass at once until the source rejects one (ThrottledError), then at the rate that it permits.

    `calls_per_s_max` is a known quota in calls per second, which is never exceeded. `kind` names the calls in the log.

        limiter = AdaptiveRateLimiter("list")
        page = await limiter.call(source.list_page, folder, page_token=token)
    """

    def __init__(
        self,
        kind: str,
        *,
        calls_per_s_max: float | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._kind = kind
        self._calls_per_s_max = calls_per_s_max
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()  # FIFO
        self._next_at_s = clock()  # unlike the other times here, includes idle time
        self._calls_in_progress = 0  # including those that wait for their turn
        self._idle_since_s = self._next_at_s
        self._idle_s = 0.0  # total
        self._base_calls_per_s = calls_per_s_max  # the rate when the source last resumed; None: unlimited
        self._resumed_at_s = self._next_at_s
        self._calls_since_resumed = 0  # permitted ones
        self._uncertainty = 1.0  # of the base rate
        self._paused_at_s: float | None = None  # since when the source rejects calls; None: it does not
        self._pause_s = 0.0
        self._span_from_s = self._next_at_s  # the measurement: its start, and the permitted calls in it
        self._span_calls = 0.0

    @property
    def calls_per_s(self) -> float | None:
        """The current rate in calls per second; None: unlimited."""
        if self._base_calls_per_s is None:
            return None
        grown_s = min(self._now_s() - self._resumed_at_s, self._calls_since_resumed / GROWTH_CALLS_PER_S)
        grown_s *= self._uncertainty
        rate = self._base_calls_per_s * (1 + GROWTH * grown_s + GROWTH_SQUARED * grown_s**2)
        return rate if self._calls_per_s_max is None else min(rate, self._calls_per_s_max)

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a turn, then return what the function returns or raise what it raises."""
        if not self._calls_in_progress and (idle_s := self._clock() - self._idle_since_s) > IDLE_AFTER_S:
            self._idle_s += idle_s
        self._calls_in_progress += 1
        try:
            if self._base_calls_per_s is None and self._paused_at_s is None:
                return await self._attempt(function, *args, **kwargs)
            return await self._call_in_turn(function, *args, **kwargs)
        finally:
            self._calls_in_progress -= 1
            self._idle_since_s = self._clock()

    def _now_s(self) -> float:
        """Return the time without idle time."""
        return self._clock() - self._idle_s

    async def _call_in_turn(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            await self._wait_for_slot()
            if self._paused_at_s is not None:
                # The probe runs alone while the others wait: more rejections would add no information.
                return await self._attempt(function, *args, **kwargs)
        return await self._attempt(function, *args, **kwargs)

    async def _wait_for_slot(self) -> None:
        # The slot is read again after each sleep: a rejection may have postponed it.
        while (wait_s := self._next_at_s - (now_s := self._clock())) > 0:
            await self._sleep(wait_s)
        if (rate := self.calls_per_s) is not None:
            self._next_at_s = max(self._next_at_s, now_s - LATENESS_S) + 1 / rate

    async def _attempt(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        started_at_s = self._now_s()
        try:
            result = await function(*args, **kwargs)
        except ThrottledError as exc:
            self._on_rejected(started_at_s, retry_after_s=exc.retry_after_s or 0.0)
            raise
        except TransientError:
            raise  # a broken connection says nothing about the rate
        except ImageferryError:
            self._on_permitted(started_at_s)
            raise
        self._on_permitted(started_at_s)
        return result

    def _on_permitted(self, started_at_s: float) -> None:
        self._span_calls += 1
        self._calls_since_resumed += 1
        if self._paused_at_s is not None:
            if started_at_s >= self._paused_at_s:
                self._resume(self._paused_at_s)
        elif started_at_s - self._span_from_s > SPAN_S_MAX:
            self._span_calls /= 2
            self._span_from_s += (started_at_s - self._span_from_s) / 2

    def _on_rejected(self, started_at_s: float, *, retry_after_s: float) -> None:
        now_s = self._now_s()
        if self._paused_at_s is None:
            if started_at_s < self._resumed_at_s:
                return  # it was sent before the last pause, which has dealt with it
            self._paused_at_s = now_s
            self._pause_s = PAUSE_S_MIN
            log.info("source.paused", kind=self._kind, retry_after_s=retry_after_s)
        elif started_at_s >= self._paused_at_s:
            self._pause_s = min(self._pause_s * 2, PAUSE_S_MAX)
        self._next_at_s = max(self._next_at_s, self._clock() + max(self._pause_s, retry_after_s))

    def _resume(self, paused_at_s: float) -> None:
        now_s = self._now_s()
        self._base_calls_per_s = self._measured_rate(now_s)
        self._uncertainty = min(max(CERTAIN_CALLS / self._span_calls, 1.0), UNCERTAINTY_MAX)
        self._resumed_at_s = now_s
        self._calls_since_resumed = 0
        self._paused_at_s = None
        self._next_at_s = self._clock()
        # The next measurement runs from this rejection to the next one.
        self._span_from_s = paused_at_s
        self._span_calls = 1.0
        log.info("source.resumed", kind=self._kind, calls_per_s=round(self._base_calls_per_s, 2))

    def _measured_rate(self, now_s: float) -> float:
        """Return the rate to resume at, in calls per second."""
        span_s = now_s - self._span_from_s
        rate = TARGET_FRACTION * self._span_calls / max(span_s, SPAN_S_MIN)
        current = self.calls_per_s
        if current is None:
            return max(rate, INITIAL_CALLS_PER_S_MIN)
        if span_s < SPAN_S_MIN:
            rate = max(TARGET_FRACTION * self._span_calls / span_s, current / 2)
        return min(rate, current * TARGET_FRACTION)
