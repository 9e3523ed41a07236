"""Traces for OpenTelemetry: a span for each message; all spans of a job are one trace."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from imageferry.engine.base import Stage, log_fields
from imageferry.log import log
from imageferry.model import Message
from imageferry.telemetry.instrument import Instrument

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer


class Tracing(Instrument):
    """Records a span for each message that is handled."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def wrap_stage(self, message_type: type[Message], stage: Stage) -> Stage:
        """See Instrument."""
        return partial(self._traced, message_type.__name__.lower(), stage)

    async def _traced(self, name: str, stage: Stage, message: Any) -> AsyncIterator[Message]:  # noqa: ANN401 - the signature of Stage
        attributes = {f"imageferry.{field}": str(value) for field, value in log_fields(message).items()}
        span = self._tracer.start_span(name, context=_job_context(message.job_id), attributes=attributes)
        try:
            async for next_message in stage(message):
                yield next_message
        except Exception as exc:
            span.record_exception(exc)
            raise
        finally:
            span.end()


@contextmanager
def tracing(endpoint: str) -> Iterator[Instrument]:
    """Return an instrument that sends spans to a collector; without the extra `otel`, one that does nothing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError:
        log.info("traces.disabled", detail="To send traces: pip install 'imageferry[otel]'.")
        yield Instrument()
        return
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider.get_tracer("imageferry"))
    finally:
        provider.shutdown()


def _job_context(job_id: str) -> "Context":
    """Return the trace context of a job, derived from its id: messages need not carry it."""
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    job_number = UUID(job_id).int
    parent = trace.SpanContext(
        trace_id=job_number,
        span_id=job_number & (1 << 64) - 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))
