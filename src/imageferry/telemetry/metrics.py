"""Metrics for Prometheus: what a process has moved, and what keeps it."""

import time
from collections import Counter as Count
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from imageferry.catalog.jobs.backlog import Backlog
from imageferry.engine.base import Stage
from imageferry.errors import TransientError
from imageferry.model import ItemState, Message, Record
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.instrument import Watch
from imageferry.telemetry.metered_source import MeteredSource

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A page or a record takes milliseconds, a batch of large files its whole time box.
SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Metrics(Watch):
    """The metrics of one process, or of one child of a worker; docs/operating.md has their meanings."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._files = self._counter("files", "Files that have an outcome.", "outcome", "reason")
        self._bytes = self._counter("moved_bytes", "Bytes of files that came over the wire and are stored.")
        self._calls = self._counter("source_calls", "Calls to the source, repeated ones too.", "call", "result")
        self._retries = self._counter("retries", "What went wrong and is tried again.", "part", "cause")
        self._failures = self._counter("stage_failures", "Deliveries that broke off unforeseen.", "stage")
        self._seconds = Histogram(
            "imageferry_stage_seconds",
            "How long a message was worked on.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._under_way = self._gauge("under_way", "Messages that are worked on now.", "stage")
        self._rate = self._gauge("source_rate", "Calls a second that the source is paced at, once it is.", "call")

        self._backlog = self._gauge("backlog", "Work in the catalog that is not done.", "kind", "state")

    def around_stage(self, kind: type[Message], stage: Stage) -> Stage:
        """See Watch."""
        return partial(self._metered, kind.__name__.lower(), stage)

    def around_source(self, source: Source, *, paced: ThrottledSource) -> Source:
        """See Watch."""
        return MeteredSource(source, paced=paced, meter=self)

    def called(self, kind: str, result: str, *, again: bool, times: int = 1) -> None:
        """See Meter."""
        self._calls.labels(kind, result).inc(times)
        if again:
            self._retries.labels("source", result).inc(times)

    def paced(self, kind: str, calls_s: float) -> None:
        """See Meter."""
        self._rate.labels(kind).set(calls_s)

    def show_backlog(self, held: Iterable[Backlog]) -> None:
        """Show what the catalog holds now."""
        self._backlog.clear()
        for work in held:
            self._backlog.labels(work.kind, work.state).set(work.count)

    def start_anew(self) -> None:
        """Take back what whoever wrote these metrics before, and is no more, had under way."""
        for stage in ("crawl", "transfer", "record"):
            self._under_way.labels(stage).set(0)

    def exposition(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)

    async def _metered(self, name: str, stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - as Stage has it
        under_way = self._under_way.labels(name)
        under_way.inc()
        began_s = time.monotonic()
        try:
            async for following in stage(message):
                if isinstance(following, Record):
                    self._count(following)
                yield following
        except TransientError as exc:
            self._retries.labels("catalog", exc.reason).inc()
            raise
        except Exception:
            self._failures.labels(name).inc()
            raise
        finally:
            under_way.dec()
            self._seconds.labels(name).observe(time.monotonic() - began_s)

    def _count(self, record: Record) -> None:
        ended = Count((outcome.state, outcome.reason) for outcome in record.outcomes)
        for (state, reason), files in ended.items():
            if state is ItemState.PENDING:
                self._retries.labels("file", reason).inc(files)
            else:
                self._files.labels(state, reason or "").inc(files)
        moved = (outcome for outcome in record.outcomes if outcome.state is ItemState.STORED and outcome.moved)
        self._bytes.inc(sum(outcome.size_bytes or 0 for outcome in moved))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"imageferry_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"imageferry_{name}", meaning, labels, registry=self.registry, multiprocess_mode="sum")
