"""Drive's published quota, enforced."""

import time
from collections.abc import Callable

from imageferry.demo.operations import Operation

UNITS_PER_MINUTE = 1_000_000
COSTS = {
    Operation.LIST: 100,
    Operation.PAGE: 100,
    Operation.GET: 5,
    Operation.MEDIA: 200,
    Operation.OTHER: 5,
}


class Quota:
    """Units flow in evenly and calls use them up; what is not used is kept for `burst_s` seconds.

    `scale` multiplies the published million units a minute; None: there is no limit.
    """

    def __init__(
        self, *, scale: float | None, burst_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._units_per_s = None if scale is None else UNITS_PER_MINUTE * scale / 60
        self._burst_s = burst_s
        self._clock = clock
        self._units = (self._units_per_s or 0) * burst_s
        self._filled_at_s = clock()

    def admits(self, operation: Operation) -> bool:
        """Whether there are units for this call; they are used then."""
        if self._units_per_s is None:
            return True
        now_s = self._clock()
        flowed = (now_s - self._filled_at_s) * self._units_per_s
        self._units = min(self._units + flowed, self._units_per_s * self._burst_s)
        self._filled_at_s = now_s
        cost = COSTS.get(operation, 0)
        if cost > self._units:
            return False
        self._units -= cost
        return True
