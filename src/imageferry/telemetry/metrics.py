"""Metrics for Prometheus."""

import time
from collections import Counter as Count
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from imageferry.catalog.jobs.backlog import Backlog
from imageferry.engine.base import Stage
from imageferry.errors import TransientError
from imageferry.model import ItemState, Message, Record
from imageferry.sources.base import Source
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.instrument import Instrument
from imageferry.telemetry.metered_source import MeteredSource

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A page or a record takes milliseconds, a batch of large files as long as a transfer may take.
STAGE_BUCKETS_S = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics(Instrument):
    """The metrics of a process, or of one process of a worker; docs/operating.md explains them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._files = self._counter("files", "Files with an outcome.", "outcome", "reason")
        self._bytes = self._counter("transferred_bytes", "Bytes of files that were downloaded and stored.")
        self._calls = self._counter("source_calls", "Calls to the source, including retries.", "call", "result")
        self._retries = self._counter("retries", "Failures that are retried.", "part", "cause")
        self._failures = self._counter("stage_failures", "Messages whose handling failed unexpectedly.", "stage")
        self._seconds = Histogram(
            "imageferry_stage_duration_seconds",
            "Time to handle a message.",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )
        self._in_progress = self._gauge("messages_in_progress", "Messages that are being handled.", "stage")
        self._rate_limit = self._gauge(
            "source_rate_limit_calls_per_second", "Current rate limit of calls to the source, if there is one.", "call"
        )
        self._pending_work = self._gauge("pending_work_items", "Unfinished work in the catalog.", "kind", "state")
        self._workers = self._gauge("workers", "Live workers of the installation.", "role")
        self._requests = Histogram(
            "imageferry_http_request_duration_seconds",
            "Time from a request until its response is complete.",
            ["method", "route", "status"],
            buckets=REQUEST_BUCKETS_S,
            registry=self.registry,
        )

    def wrap_stage(self, message_type: type[Message], stage: Stage) -> Stage:
        """See Instrument."""
        return partial(self._metered, message_type.__name__.lower(), stage)

    def wrap_source(self, source: Source, *, throttled: ThrottledSource) -> Source:
        """See Instrument."""
        return MeteredSource(source, throttled=throttled, meter=self)

    def count_calls(self, kind: str, result: str, *, will_retry: bool, count: int = 1) -> None:
        """See CallMeter."""
        self._calls.labels(kind, result).inc(count)
        if will_retry:
            self._retries.labels("source", result).inc(count)

    def set_rate_limit(self, kind: str, calls_s: float) -> None:
        """See CallMeter."""
        self._rate_limit.labels(kind).set(calls_s)

    def set_pending_work(self, backlog: Iterable[Backlog]) -> None:
        """Replace the counts of unfinished work."""
        self._pending_work.clear()
        for work in backlog:
            self._pending_work.labels(work.kind, work.state).set(work.count)

    def set_workers(self, workers: Mapping[type[Message], int]) -> None:
        """Replace the numbers of live workers; every gateway counts all of them."""
        for message_type, number in workers.items():
            self._workers.labels(message_type.__name__.lower()).set(number)

    def observe_request(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Record a request that the gateway answered. `route` is the path template, such as `/api/jobs/{job_id}`."""
        self._requests.labels(method, route, status).observe(duration_s)

    def reset_in_progress(self) -> None:
        """Set the messages in progress to 0: an ended process that wrote to the same file may have left some."""
        for stage in ("crawl", "transfer", "record"):
            self._in_progress.labels(stage).set(0)

    def exposition(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    async def _metered(self, name: str, stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - the signature of Stage
        in_progress = self._in_progress.labels(name)
        in_progress.inc()
        started_s = time.monotonic()
        try:
            async for next_message in stage(message):
                if isinstance(next_message, Record):
                    self._count(next_message)
                yield next_message
        except TransientError as exc:
            self._retries.labels("catalog", exc.reason).inc()
            raise
        except Exception:
            self._failures.labels(name).inc()
            raise
        finally:
            in_progress.dec()
            self._seconds.labels(name).observe(time.monotonic() - started_s)

    def _count(self, record: Record) -> None:
        counts = Count((outcome.state, outcome.reason) for outcome in record.outcomes)
        for (state, reason), files in counts.items():
            if state is ItemState.PENDING:
                self._retries.labels("file", reason).inc(files)
            else:
                self._files.labels(state, reason or "").inc(files)
        transferred = (
            outcome for outcome in record.outcomes if outcome.state is ItemState.STORED and outcome.transferred
        )
        self._bytes.inc(sum(outcome.size_bytes or 0 for outcome in transferred))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"imageferry_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"imageferry_{name}", meaning, labels, registry=self.registry, multiprocess_mode="sum")
