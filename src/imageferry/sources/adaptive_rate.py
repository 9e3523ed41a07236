"""A rate limiter that finds out the rate its source permits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from msgspec import Struct

from imageferry.errors import ImageferryError, ThrottledError, TransientError
from imageferry.log import log
from imageferry.sources.background_refusals import RefusalJudge, Verdict
from imageferry.sources.permitted_rate import CALLS_PER_S_MIN, TARGET_FRACTION, PermittedRate

Clock = Callable[[], float]  # seconds, monotonic
Sleep = Callable[[float], Awaitable[None]]

P = ParamSpec("P")
T = TypeVar("T")

# After a rejected call: a pause, then a single call that probes whether calls are permitted again.
PAUSE_S_MIN = 0.05
PAUSE_S_MAX = 4.0

# A trial finds out whether slowing down helps, or whether calls are refused at random (background_refusals).
TRIAL_SLOWDOWN = 0.6
# After a trial that found a limit, this many unexpected rejections count as that limit's; one more each time.
REJECTIONS_TO_TRIAL_MAX = 3
TRIAL_INTERVAL_S = 4.0
# While calls are refused at random, further trials check that they still are.
CHECK_INTERVAL_S_MIN, CHECK_INTERVAL_S_MAX = 5.0, 60.0

MEAN_CALLS = 32
LATENESS_S = 0.1  # a delay of the event loop of up to this is caught up with
# After a gap longer than this the limiter counts as idle, and the time is not measured: how much the source would have
# permitted in it is unknown.
IDLE_AFTER_S = 1.0


class AdaptiveRateLimiter:
    """Lets calls pass at once until the source rejects one (ThrottledError), then at the rate that it permits.

    Calls that are refused at random, at any rate, slow nothing down: see decision 25. They are raised without a
    `retry_after_s`, because other calls are permitted meanwhile.

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
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()  # FIFO
        now_s = clock()
        self._next_at_s = now_s  # unlike the other times here, includes idle time
        self._calls_waiting_or_made = 0
        self._idle_since_s = now_s
        self._idle_s = 0.0  # total
        self._rate = PermittedRate(calls_per_s_max=calls_per_s_max, now_s=now_s)
        self._traffic = _Traffic()
        self._judge = RefusalJudge()
        self._stale_before_s = now_s  # calls made before are of the time before the last pause
        self._pause: _Pause | None = None  # while the source rejects calls
        self._trial: _Trial | None = None
        self._undisturbed_calls_per_s = calls_per_s_max  # the rate before the last series of rejections
        self._rejections_to_trial = self._limits_found = 0
        self._next_trial_at_s = self._check_at_s = now_s
        self._check_interval_s = CHECK_INTERVAL_S_MIN

    @property
    def calls_per_s(self) -> float | None:
        """The current rate in calls per second; None: unlimited."""
        return self._rate.at(self._now_s()) if self._trial is None else self._trial.calls_per_s

    async def call(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a turn, then return what the function returns or raise what it raises."""
        if not self._calls_waiting_or_made and (idle_s := self._clock() - self._idle_since_s) > IDLE_AFTER_S:
            self._idle_s += idle_s
        self._calls_waiting_or_made += 1
        try:
            if self._pause is None and self.calls_per_s is None:
                return await self._attempt(function, *args, **kwargs)
            return await self._call_in_turn(function, *args, **kwargs)
        finally:
            self._calls_waiting_or_made -= 1
            self._idle_since_s = self._clock()

    def _now_s(self) -> float:
        """Return the time without idle time."""
        return self._clock() - self._idle_s

    async def _call_in_turn(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            await self._wait_for_slot()
            if self._pause is not None:
                # The probe runs alone while the others wait: more rejections would add no information.
                return await self._attempt(function, *args, **kwargs)
        return await self._attempt(function, *args, **kwargs)

    async def _wait_for_slot(self) -> None:
        # The slot is read again after each sleep: a rejection may have postponed it.
        while (wait_s := self._next_at_s - (now_s := self._clock())) > 0:
            await self._sleep(wait_s)
        if (rate := self.calls_per_s) is not None:
            self._next_at_s = max(self._next_at_s, now_s - LATENESS_S) + 1 / rate

    def _postpone(self, wait_s: float) -> None:
        self._next_at_s = max(self._next_at_s, self._clock() + wait_s)

    async def _attempt(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        started_at_s = self._now_s()
        self._traffic.add()
        try:
            result = await function(*args, **kwargs)
        except ThrottledError as exc:
            if self._on_rejected(started_at_s, retry_after_s=exc.retry_after_s or 0.0):
                raise
            raise ThrottledError(exc.reason, exc.message) from exc
        except TransientError:
            raise  # a broken connection says nothing about the rate
        except ImageferryError:
            self._on_permitted(started_at_s)
            raise
        else:
            self._on_permitted(started_at_s)
            return result
        finally:
            self._traffic.in_flight -= 1

    def _on_permitted(self, started_at_s: float) -> None:
        self._traffic.add_duration(self._now_s() - started_at_s)
        self._rate.add_permitted(started_at_s)
        if self._pause is None:
            self._is_excess(started_at_s, refused=False)
        elif started_at_s >= self._pause.from_s:
            self._resume(self._pause)
        else:
            self._judge.add_in_flight(refused=False)

    def _on_rejected(self, started_at_s: float, *, retry_after_s: float) -> bool:
        """Return whether other calls may be rejected for the same reason."""
        if (pause := self._pause) is None:
            if not self._is_excess(started_at_s, refused=True):
                return not self._judge.is_random
            if self._may_start_trial():
                self._start_trial(delay_s=retry_after_s)
                return True
            pause = self._start_pause(retry_after_s)
        elif started_at_s >= pause.from_s:
            pause.wait_s = min(pause.wait_s * 2, PAUSE_S_MAX)
        else:
            self._judge.add_in_flight(refused=True)
        self._postpone(max(pause.wait_s, retry_after_s))
        return True

    def _is_excess(self, started_at_s: float, *, refused: bool) -> bool:
        """Count a call. Return whether more calls are refused than are at random."""
        if started_at_s < self._stale_before_s:
            return False  # the last pause has dealt with it
        now_s, trial, judge = self._now_s(), self._trial, self._judge
        if trial is None:
            if judge.add(refused=refused):
                return True
            if judge.is_random and now_s >= self._check_at_s and not judge.stop_being_random():
                self._undisturbed_calls_per_s = self.calls_per_s
                self._start_trial()
        elif started_at_s < trial.from_s:
            judge.add_in_flight(refused=refused)
        elif verdict := judge.add_to_trial(refused=refused, lasted_s=now_s - trial.from_s):
            if verdict is Verdict.EXCESS:
                return True
            self._end_trial(trial, verdict)
        return False

    def _start_pause(self, retry_after_s: float) -> "_Pause":
        now_s = self._now_s()
        if self._rate.is_below_measured(now_s):
            self._rejections_to_trial -= 1
        else:
            self._undisturbed_calls_per_s = self.calls_per_s
            self._judge.start_series()
        self._trial = None
        self._pause = _Pause(from_s=now_s, wait_s=PAUSE_S_MIN, traffic_calls_per_s=self._traffic.calls_per_s)
        log.info("source.paused", kind=self._kind, retry_after_s=retry_after_s)
        return self._pause

    def _resume(self, pause: "_Pause") -> None:
        now_s, rate, judge = self._now_s(), self._rate, self._judge
        is_guess = rate.at(now_s) is None and rate.is_unreliable(now_s)
        rate.measure(rejected_at_s=pause.from_s, now_s=now_s, background_share=judge.background.share)
        self._stale_before_s = now_s
        self._pause = None
        self._next_at_s = self._clock()
        judge.restart()
        log.info("source.resumed", kind=self._kind, calls_per_s=round(self.calls_per_s or 0, 2))
        if is_guess and self._may_start_trial():
            # It may be far too low.
            self._start_trial(usual_calls_per_s=pause.traffic_calls_per_s * judge.permitted_share)

    def _may_start_trial(self) -> bool:
        now_s = self._now_s()
        is_due = self._rejections_to_trial <= 0 and now_s >= self._next_trial_at_s
        return self._trial is None and is_due and self._rate.is_below_measured(now_s)

    def _start_trial(self, *, delay_s: float = 0.0, usual_calls_per_s: float = 0.0) -> None:
        now_s = self._now_s()
        usual = self._rate.at(now_s)
        if usual is None or not self._rate.is_below_measured(now_s):
            traffic = self._traffic.calls_per_s
            usual = traffic if usual is None else min(usual, traffic)
        calls_per_s = max(usual, usual_calls_per_s, CALLS_PER_S_MIN) * TRIAL_SLOWDOWN
        self._trial = _Trial(calls_per_s=calls_per_s, from_s=now_s + delay_s)
        self._judge.start_trial(slowdown=TRIAL_SLOWDOWN)
        self._postpone(delay_s)

    def _end_trial(self, trial: "_Trial", verdict: Verdict) -> None:
        now_s, rate, judge = self._now_s(), self._rate, self._judge
        self._trial = None
        judge.end_trial(verdict)
        if verdict is Verdict.RANDOM and judge.is_random:
            rate.set(self._undisturbed_calls_per_s, now_s=now_s, is_measured=False)
            self._rejections_to_trial = self._limits_found = 0
        else:
            if (usual := rate.at(now_s)) is not None:
                usual = max(usual * TARGET_FRACTION, trial.calls_per_s)
            rate.set(usual, now_s=now_s, is_measured=True)
            self._limits_found += 1
            self._next_trial_at_s = now_s + TRIAL_INTERVAL_S
            self._rejections_to_trial = min(self._limits_found, REJECTIONS_TO_TRIAL_MAX)
            self._check_interval_s = CHECK_INTERVAL_S_MIN
        self._check_at_s = now_s + self._check_interval_s
        self._check_interval_s = min(2 * self._check_interval_s, CHECK_INTERVAL_S_MAX)
        rate.exclude(judge.trial, span_s=now_s - trial.from_s)
        self._stale_before_s = now_s
        log.info(
            "source.tried_slower", kind=self._kind, result=verdict.value, refused_share=round(judge.background.share, 4)
        )


class _Pause(Struct, kw_only=True):
    from_s: float
    wait_s: float  # before the next probe
    traffic_calls_per_s: float  # when it began


class _Trial(Struct, frozen=True, kw_only=True):
    calls_per_s: float
    from_s: float


class _Traffic(Struct):
    """The calls that are being made."""

    in_flight: int = 0
    in_flight_mean: float = 0.0  # recent
    duration_s_mean: float = 0.0

    def add(self) -> None:
        self.in_flight += 1
        self.in_flight_mean += (self.in_flight - self.in_flight_mean) / MEAN_CALLS

    def add_duration(self, duration_s: float) -> None:
        self.duration_s_mean += (duration_s - self.duration_s_mean) / (MEAN_CALLS if self.duration_s_mean else 1)

    @property
    def calls_per_s(self) -> float:
        """How many are made per second, by Little's law."""
        in_flight = max(self.in_flight, self.in_flight_mean)  # the mean is late at the start
        return in_flight / self.duration_s_mean if self.duration_s_mean else 0.0
