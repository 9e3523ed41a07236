"""Enforcement of Drive's published quota."""

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


class DriveQuota:
    """Token bucket of quota units that holds `burst_s` seconds of them.

    `scale` multiplies the published million units per minute; None: unlimited.
    """

    def __init__(
        self, *, scale: float | None, burst_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._units_per_s = None if scale is None else UNITS_PER_MINUTE * scale / 60
        self._burst_s = burst_s
        self._clock = clock
        self._units = (self._units_per_s or 0) * burst_s
        self._filled_at_s = clock()

    def try_consume(self, operation: Operation) -> bool:
        """Consume the units of a call if there are enough. Return whether there were."""
        if self._units_per_s is None:
            return True
        now_s = self._clock()
        refill = (now_s - self._filled_at_s) * self._units_per_s
        self._units = min(self._units + refill, self._units_per_s * self._burst_s)
        self._filled_at_s = now_s
        cost = COSTS.get(operation, 0)
        if cost > self._units:
            return False
        self._units -= cost
        return True
