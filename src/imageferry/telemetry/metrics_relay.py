"""What is seen of a source in a mover, added up for the process that shows metrics."""

from collections import Counter
from typing import Any

from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.instrument import Watch
from imageferry.telemetry.metered_source import Meter, MeteredSource


class TallyWatch(Watch):
    """Adds up until somebody takes it."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str, bool]] = Counter()
        self._rates: dict[str, float] = {}

    def around_source(self, source: Source, *, paced: ThrottledSource) -> Source:
        """See Watch."""
        return MeteredSource(source, paced=paced, meter=self)

    def called(self, kind: str, result: str, *, again: bool, times: int = 1) -> None:
        """See Meter."""
        self._calls[kind, result, again] += times

    def paced(self, kind: str, calls_s: float) -> None:
        """See Meter."""
        self._rates[kind] = calls_s

    def take(self) -> Any:  # noqa: ANN401 - plain values, for a pipe
        """What was added up since the last time; None: nothing."""
        calls, self._calls = self._calls, Counter()
        return [[[*key, times] for key, times in calls.items()], self._rates] if calls else None


def pass_on(taken: Any, meter: Meter) -> None:  # noqa: ANN401 - as it was taken
    """Tell a meter what was taken from a tally elsewhere."""
    calls, rates = taken
    for kind, result, again, times in calls:
        meter.called(kind, result, again=again, times=times)
    for kind, calls_s in rates.items():
        meter.paced(kind, calls_s)
