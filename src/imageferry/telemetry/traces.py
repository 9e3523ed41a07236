"""Traces for OpenTelemetry: a span for each message that is worked on, all those of a job in one trace."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from imageferry.engine.base import Stage, about
from imageferry.log import log
from imageferry.model import Message
from imageferry.telemetry.instrument import Watch

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer


class TraceWatch(Watch):
    """A span around each delivery."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def around_stage(self, kind: type[Message], stage: Stage) -> Stage:
        """See Watch."""
        return partial(self._traced, kind.__name__.lower(), stage)

    async def _traced(self, name: str, stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - as Stage has it
        attributes = {f"imageferry.{field}": str(value) for field, value in about(message).items()}
        span = self._tracer.start_span(name, context=_of_job(message.job_id), attributes=attributes)
        try:
            async for following in stage(message):
                yield following
        except Exception as exc:
            span.record_exception(exc)
            raise
        finally:
            span.end()


@contextmanager
def tracing(endpoint: str) -> Iterator[Watch]:
    """A watch that sends spans to a collector until the context ends; one that sees nothing without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        log.info("traces.off", detail="To send traces: pip install 'imageferry[otel]'.")
        yield Watch()
        return
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield TraceWatch(provider.get_tracer("imageferry"))
    finally:
        provider.shutdown()


def _of_job(job_id: str) -> "Context":
    """The trace of a job, known by its id alone: no message has to carry it from process to process."""
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    of_job = UUID(job_id).int
    parent = trace.SpanContext(
        trace_id=of_job,
        span_id=of_job & (1 << 64) - 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))
