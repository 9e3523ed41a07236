"""The rate that a source permits: measured between two rejections, and growing until the next."""

from imageferry.sources.background_refusals import Counts

# The calls permitted between two rejections measure the source's quota, however it counts. At a rate slightly below
# it, most calls pass and the quota is rarely hit.
TARGET_FRACTION = 0.99
SPAN_S_MIN = 1.0
# A shorter measurement, or of fewer calls, is unreliable: the rate is then cut by no more than half.
RELIABLE_SPAN_S = 3.0
RELIABLE_CALLS = 30
SPAN_S_MAX = 60.0  # quotas count per minute at most
# A process that starts when others have used up the quota is rejected at once. Its first rate is a guess, so that it
# gets a share of the quota eventually; a guess that is too high costs one or two rejections.
INITIAL_CALLS_PER_S_MIN = 10.0
CALLS_PER_S_MIN = 0.2

# How the rate grows from there: 2% after 4 s, 10% after 12 s, threefold after a minute.
GROWTH = 0.003
GROWTH_SQUARED = 0.0004
# A rate measured over fewer calls than this is less certain and grows faster in proportion, up to a bound.
CERTAIN_CALLS = 120.0
UNCERTAINTY_MAX = 8.0
GROWTH_CALLS_PER_S = 25  # growth is slower at lower call rates, so that at most about 1 call in 100 is rejected


class PermittedRate:
    """An estimate in calls per second; None: no limit is known. All times are in seconds, without idle time.

    `calls_per_s_max` is never exceeded.
    """

    def __init__(self, *, calls_per_s_max: float | None, now_s: float) -> None:
        self._max = calls_per_s_max
        self._base = calls_per_s_max  # at the last change
        self._changed_at_s = now_s
        self._calls = 0  # permitted since then
        self._uncertainty = 1.0  # of the base
        self._measured: float | None = None
        self._span_from_s = now_s  # the measurement: its start, and the permitted calls in it
        self._span_calls = 0.0

    def at(self, now_s: float) -> float | None:
        """Return the rate at a time."""
        if self._base is None:
            return None
        grown_s = min(now_s - self._changed_at_s, self._calls / GROWTH_CALLS_PER_S) * self._uncertainty
        rate = self._base * (1 + GROWTH * grown_s + GROWTH_SQUARED * grown_s**2)
        return rate if self._max is None else min(rate, self._max)

    def is_below_measured(self, now_s: float) -> bool:
        """Return whether the rate has not reached yet what the source permitted when it was measured."""
        rate = self.at(now_s)
        return rate is not None and self._measured is not None and rate <= self._measured

    def add_permitted(self, started_at_s: float) -> None:
        """Count a permitted call."""
        self._calls += 1
        self._span_calls += 1
        if started_at_s - self._span_from_s > SPAN_S_MAX:
            self._span_calls /= 2
            self._span_from_s += (started_at_s - self._span_from_s) / 2

    def exclude(self, calls: Counts, *, span_s: float) -> None:
        """Leave calls that were made more slowly out of the measurement."""
        self._span_from_s += span_s
        self._span_calls = max(self._span_calls - (calls.calls - calls.refused), 0.0)

    def set(self, calls_per_s: float | None, *, now_s: float, is_measured: bool) -> None:
        """Set the rate, which grows from there."""
        self._base = calls_per_s
        self._changed_at_s = now_s
        self._calls = 0
        if not is_measured:
            self._measured = None

    def measure(self, *, rejected_at_s: float, now_s: float, background_share: float) -> None:
        """Set the rate to what the source permitted until now, slightly less than before.

        `rejected_at_s` is when it began to reject calls: the next measurement starts there. `background_share` of all
        calls is refused at any rate.
        """
        rate = max(self._measured_rate(now_s, permitted_share=1 - background_share), CALLS_PER_S_MIN)
        self._uncertainty = min(max(CERTAIN_CALLS / max(self._span_calls, 1.0), 1.0), UNCERTAINTY_MAX)
        self.set(rate, now_s=now_s, is_measured=True)
        self._measured = rate / TARGET_FRACTION
        self._span_from_s = rejected_at_s
        self._span_calls = 1.0

    def is_unreliable(self, now_s: float) -> bool:
        """Return whether the measurement is too short to rely on."""
        return now_s - self._span_from_s < RELIABLE_SPAN_S or self._span_calls < RELIABLE_CALLS

    def _measured_rate(self, now_s: float, *, permitted_share: float) -> float:
        span_s = now_s - self._span_from_s
        rate = TARGET_FRACTION * self._span_calls / max(span_s, SPAN_S_MIN) / permitted_share
        current = self.at(now_s)
        if current is None:
            return max(rate, INITIAL_CALLS_PER_S_MIN)
        if self.is_unreliable(now_s):
            rate = max(TARGET_FRACTION * self._span_calls / max(span_s, 0.001) / permitted_share, current / 2)
        return min(rate, current * TARGET_FRACTION)
