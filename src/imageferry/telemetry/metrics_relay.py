"""Relays the source metrics of a transfer process to the process that exports them."""

from collections import Counter
from typing import Any

from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.instrument import Instrument
from imageferry.telemetry.metered_source import CallMeter, MeteredSource


class MetricsRecorder(Instrument):
    """Adds up the counts of calls until `take` returns them."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str, bool]] = Counter()
        self._rates: dict[str, float] = {}

    def wrap_source(self, source: Source, *, throttled: ThrottledSource) -> Source:
        """See Instrument."""
        return MeteredSource(source, throttled=throttled, meter=self)

    def count_calls(self, kind: str, result: str, *, will_retry: bool, count: int = 1) -> None:
        """See CallMeter."""
        self._calls[kind, result, will_retry] += count

    def set_rate_limit(self, kind: str, calls_s: float) -> None:
        """See CallMeter."""
        self._rates[kind] = calls_s

    def take(self) -> Any:  # noqa: ANN401 - plain values that MessagePack can encode
        """Return what was added up since the last call, for `replay`; None when there is nothing."""
        calls, self._calls = self._calls, Counter()
        return [[[*key, count] for key, count in calls.items()], self._rates] if calls else None


def replay(recorded: Any, meter: CallMeter) -> None:  # noqa: ANN401 - what `take` returned
    """Report to a meter what `take` returned in a transfer process."""
    calls, rates = recorded
    for kind, result, will_retry, count in calls:
        meter.count_calls(kind, result, will_retry=will_retry, count=count)
    for kind, calls_s in rates.items():
        meter.set_rate_limit(kind, calls_s)
