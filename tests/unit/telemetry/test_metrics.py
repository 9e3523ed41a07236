"""Metrics count what stages and sources do."""

import pytest

from imageferry.catalog.jobs.backlog import Backlog
from imageferry.errors import Reason, ThrottledError, TransientError
from imageferry.model import File, Transfer
from imageferry.sources.memory import MemorySource
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.metrics import Metrics
from tests.drivers.metric_values import readings
from tests.drivers.recorded_stages import TRANSFER, breaks, tells


class RefusingSource(MemorySource):
    """Refuses the first read of a file."""

    refused = False

    async def read(self, file: File) -> bytes:
        if not self.refused:
            self.refused = True
            raise ThrottledError(Reason.RATE_LIMITED, "Slow down.")
        return await super().read(file)


def told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return readings(metrics.exposition().decode())


async def test_what_became_of_files_is_counted() -> None:
    metrics = Metrics()
    stage = metrics.around_stage(Transfer, tells)
    _ = [following async for following in stage(TRANSFER)]
    values = told(metrics)
    assert values["files_total", "stored", ""] == 2
    assert values["files_total", "failed", "gone"] == 1
    assert values["retries_total", "source_unavailable", "file"] == 1
    assert values["moved_bytes_total",] == 100
    assert values["stage_seconds_count", "transfer"] == 1
    assert values["under_way", "transfer"] == 0


async def test_a_stage_that_breaks_off_is_counted_and_ends() -> None:
    metrics = Metrics()
    stage = metrics.around_stage(Transfer, breaks)
    with pytest.raises(RuntimeError, match="broken"):
        _ = [following async for following in stage(TRANSFER)]
    values = told(metrics)
    assert values["stage_failures_total", "transfer"] == 1
    assert values["under_way", "transfer"] == 0


async def test_every_try_of_a_call_and_the_rate_are_seen() -> None:
    metrics = Metrics()
    inner = RefusingSource()
    file = inner.add_file("a.jpg", b"abc", parent=inner.add_folder("root"))
    paced = ThrottledSource(inner, byte_calls_s_max=100)
    source = metrics.around_source(paced, paced=paced)
    with pytest.raises(TransientError):
        await source.read(file)
    assert await source.read(file) == b"abc"
    assert [chunk async for chunk in source.stream(file)] == [b"abc"]
    values = told(metrics)
    assert values["source_calls_total", "bytes", "rate_limited"] == 1
    assert values["source_calls_total", "bytes", "ok"] == 2
    assert values["retries_total", "rate_limited", "source"] == 1
    assert 0 < values["source_rate", "bytes"] <= 100
    assert ("source_rate", "list") not in values


def test_a_backlog_shows_what_is_there_now() -> None:
    metrics = Metrics()
    metrics.show_backlog([Backlog(kind="batches", state="ready", count=3)])
    metrics.show_backlog([Backlog(kind="batches", state="in_flight", count=1)])
    values = told(metrics)
    assert values["backlog", "batches", "in_flight"] == 1
    assert ("backlog", "batches", "ready") not in values
