"""Metrics count what stages and sources do."""

import pytest

from imageferry.catalog.jobs.backlog import Backlog
from imageferry.errors import Reason, ThrottledError, TransientError
from imageferry.model import File, Transfer
from imageferry.sources.memory import MemorySource
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.metrics import Metrics
from tests.drivers.metric_values import parse_metrics
from tests.drivers.recorded_stages import TRANSFER, failing_stage, record_stage


class RefusingSource(MemorySource):
    """Refuses the first read of a file."""

    refused = False

    async def read(self, file: File) -> bytes:
        if not self.refused:
            self.refused = True
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")
        return await super().read(file)


def values_of(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return parse_metrics(metrics.exposition().decode())


async def test_outcomes_of_files_are_counted() -> None:
    metrics = Metrics()
    stage = metrics.wrap_stage(Transfer, record_stage)
    _ = [output async for output in stage(TRANSFER)]
    values = values_of(metrics)
    assert values["files_total", "stored", ""] == 2
    assert values["files_total", "failed", "gone"] == 1
    assert values["retries_total", "source_unavailable", "file"] == 1
    assert values["transferred_bytes_total",] == 100
    assert values["stage_duration_seconds_count", "transfer"] == 1
    assert values["messages_in_progress", "transfer"] == 0


async def test_a_stage_that_fails_is_counted_and_no_longer_in_progress() -> None:
    metrics = Metrics()
    stage = metrics.wrap_stage(Transfer, failing_stage)
    with pytest.raises(RuntimeError, match="broken"):
        _ = [output async for output in stage(TRANSFER)]
    values = values_of(metrics)
    assert values["stage_failures_total", "transfer"] == 1
    assert values["messages_in_progress", "transfer"] == 0


async def test_every_attempt_of_a_call_and_the_rate_limit_are_reported() -> None:
    metrics = Metrics()
    inner = RefusingSource()
    file = inner.add_file("a.jpg", b"abc", parent=inner.add_folder("root"))
    throttled = ThrottledSource(inner, byte_calls_per_s_max=100)
    source = metrics.wrap_source(throttled, throttled=throttled)
    with pytest.raises(TransientError):
        await source.read(file)
    assert await source.read(file) == b"abc"
    assert [chunk async for chunk in source.stream(file)] == [b"abc"]
    values = values_of(metrics)
    assert values["source_calls_total", "bytes", "rate_limited"] == 1
    assert values["source_calls_total", "bytes", "ok"] == 2
    assert values["retries_total", "rate_limited", "source"] == 1
    assert 0 < values["source_rate_limit_calls_per_second", "bytes"] <= 100
    assert ("source_rate_limit_calls_per_second", "list") not in values


def test_pending_work_replaces_the_previous_counts() -> None:
    metrics = Metrics()
    metrics.set_pending_work([Backlog(kind="batches", state="ready", count=3)])
    metrics.set_pending_work([Backlog(kind="batches", state="in_flight", count=1)])
    values = values_of(metrics)
    assert values["pending_work_items", "batches", "in_flight"] == 1
    assert ("pending_work_items", "batches", "ready") not in values
