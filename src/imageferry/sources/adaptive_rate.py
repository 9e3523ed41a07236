"""A pace for calls of one kind, found out from what their source permits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from imageferry.errors import ImageferryError, ThrottledError, TransientError
from imageferry.log import log

Clock = Callable[[], float]  # seconds, never running back
Sleep = Callable[[float], Awaitable[None]]

P = ParamSpec("P")
T = TypeVar("T")

# After a refusal: a pause, then one call alone that finds out whether calls are permitted again.
PAUSE_S_MIN = 0.05
PAUSE_S_MAX = 4.0

# Between two refusals a source permits just what its quota is, whichever way it counts; a little below that
# most calls pass, and the quota is hardly ever met.
FRACTION = 0.98
SPAN_S_MIN = 1.0  # over less than this a count says little: the rate is cut by no more than half
SPAN_S_MAX = 60.0  # quotas are by the minute at most
# A process that begins where others have used up the quota is refused at once: what it goes on at then is a guess,
# so that it has its part of the quota some day. One that is too high costs a refusal or two.
FIRST_CALLS_S_MIN = 10.0

# How the rate grows from there: 2% after 4 s, 10% after 12 s, threefold after a minute.
GROWTH = 0.003
GROWTH_SQUARED = 0.0004
# What was measured over fewer calls than this is that much less certain, and grows so much faster, up to a bound.
CERTAIN_CALLS = 120.0
UNCERTAINTY_MAX = 8.0
GROWTH_CALLS_A_SECOND = 25  # slower where calls are fewer, so that no more than one in some 100 is refused

LATENESS_S = 0.1  # what the event loop may be late by and catch up with
# Callers that were refused wait about so long before they try again; when there is no call for longer, there is
# nothing to do, and what the source permits meanwhile is not known.
REST_S_MAX = 1.0


class Pace:
    """Lets calls through at once until the source refuses one; from then on at the rate it permits.

    `calls_s_max` is a quota that is known beforehand and never exceeded.
    """

    def __init__(
        self,
        kind: str,
        *,
        calls_s_max: float | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._kind = kind
        self._calls_s_max = calls_s_max
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()  # first come, first served
        self._next_at_s = clock()  # the only time that runs while there is nothing to do
        self._under_way = 0  # calls, those that wait for their turn included
        self._left_at_s = self._next_at_s  # when there was the last one
        self._rested_s = 0.0
        self._base_calls_s = calls_s_max  # the rate when the source last began to permit calls; None: unlimited
        self._opened_at_s = self._next_at_s
        self._opened_calls = 0  # permitted since then
        self._uncertainty = 1.0  # of that rate
        self._shut_at_s: float | None = None  # the source refuses calls since; None: it does not
        self._pause_s = 0.0
        self._span_from_s = self._next_at_s  # the measure: permitted calls, and since when they are counted
        self._span_calls = 0.0

    @property
    def calls_s(self) -> float | None:
        """The rate now, in calls a second; None: unlimited."""
        if self._base_calls_s is None:
            return None
        grown_s = min(self._now_s() - self._opened_at_s, self._opened_calls / GROWTH_CALLS_A_SECOND)
        grown_s *= self._uncertainty
        rate = self._base_calls_s * (1 + GROWTH * grown_s + GROWTH_SQUARED * grown_s**2)
        return rate if self._calls_s_max is None else min(rate, self._calls_s_max)

    async def through(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises, once its turn has come."""
        if not self._under_way and (rest_s := self._clock() - self._left_at_s) > REST_S_MAX:
            self._rested_s += rest_s
        self._under_way += 1
        try:
            if self._base_calls_s is None and self._shut_at_s is None:
                return await self._attempt(call, *args, **kwargs)
            return await self._in_turn(call, *args, **kwargs)
        finally:
            self._under_way -= 1
            self._left_at_s = self._clock()

    def _now_s(self) -> float:
        """The time, but for when there was nothing to do."""
        return self._clock() - self._rested_s

    async def _in_turn(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            await self._slot()
            if self._shut_at_s is not None:
                # Alone, with the others waiting: a refusal more tells nothing that this one does not.
                return await self._attempt(call, *args, **kwargs)
        return await self._attempt(call, *args, **kwargs)

    async def _slot(self) -> None:
        # The time is looked up again after each sleep: a refusal may have put the slot off meanwhile.
        while (wait_s := self._next_at_s - (now_s := self._clock())) > 0:
            await self._sleep(wait_s)
        if (rate := self.calls_s) is not None:
            self._next_at_s = max(self._next_at_s, now_s - LATENESS_S) + 1 / rate

    async def _attempt(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        began_at_s = self._now_s()
        try:
            result = await call(*args, **kwargs)
        except ThrottledError as exc:
            self._refused(began_at_s, retry_after_s=exc.retry_after_s or 0.0)
            raise
        except TransientError:
            raise  # a broken connection tells nothing about the rate
        except ImageferryError:
            self._permitted(began_at_s)
            raise
        self._permitted(began_at_s)
        return result

    def _permitted(self, began_at_s: float) -> None:
        self._span_calls += 1
        self._opened_calls += 1
        if self._shut_at_s is not None:
            if began_at_s >= self._shut_at_s:
                self._open(self._shut_at_s)
        elif began_at_s - self._span_from_s > SPAN_S_MAX:
            self._span_calls /= 2
            self._span_from_s += (began_at_s - self._span_from_s) / 2

    def _refused(self, began_at_s: float, *, retry_after_s: float) -> None:
        now_s = self._now_s()
        if self._shut_at_s is None:
            if began_at_s < self._opened_at_s:
                return  # it set out before the last pause, which was its answer
            self._shut_at_s = now_s
            self._pause_s = PAUSE_S_MIN
            log.info("source.paused", kind=self._kind, retry_after_s=retry_after_s)
        elif began_at_s >= self._shut_at_s:
            self._pause_s = min(self._pause_s * 2, PAUSE_S_MAX)
        self._next_at_s = max(self._next_at_s, self._clock() + max(self._pause_s, retry_after_s))

    def _open(self, shut_at_s: float) -> None:
        now_s = self._now_s()
        self._base_calls_s = self._measured(now_s)
        self._uncertainty = min(max(CERTAIN_CALLS / self._span_calls, 1.0), UNCERTAINTY_MAX)
        self._opened_at_s = now_s
        self._opened_calls = 0
        self._shut_at_s = None
        self._next_at_s = self._clock()
        # The next measure is from this refusal to the one that will come.
        self._span_from_s = shut_at_s
        self._span_calls = 1.0
        log.info("source.resumed", kind=self._kind, calls_s=round(self._base_calls_s, 2))

    def _measured(self, now_s: float) -> float:
        """The rate to go on at."""
        span_s = now_s - self._span_from_s
        rate = FRACTION * self._span_calls / max(span_s, SPAN_S_MIN)
        current = self.calls_s
        if current is None:
            return max(rate, FIRST_CALLS_S_MIN)
        if span_s < SPAN_S_MIN:
            rate = max(FRACTION * self._span_calls / span_s, current / 2)
        return min(rate, current * FRACTION)
