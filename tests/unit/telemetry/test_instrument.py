"""Logs and traces identify the message that is handled."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from imageferry.log import bind_context, log
from imageferry.model import Record, Transfer
from imageferry.telemetry.instrument import LogContext, instrument_stages
from imageferry.telemetry.traces import Tracing
from tests.drivers.log_events import capture_log_events
from tests.drivers.recorded_stages import JOB_ID, RECORD, TRANSFER, failing_stage, record_stage


async def test_log_events_of_a_stage_have_the_job_and_the_batch() -> None:
    bind_context({"folder_id": "of the task that started this one"})
    stages = instrument_stages({Transfer: record_stage}, [LogContext()])
    async for _ in stages[Transfer](TRANSFER):
        with capture_log_events() as events:
            log.warning("test.event", files=3)
        assert events == [{"event": "test.event", "log_level": "warning", "job_id": JOB_ID, "batch_id": 7, "files": 3}]


async def test_all_spans_of_a_job_are_one_trace_derived_from_its_id() -> None:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stages = instrument_stages({Transfer: record_stage, Record: failing_stage}, [Tracing(provider.get_tracer("test"))])
    assert [output async for output in stages[Transfer](TRANSFER)] == [RECORD]
    with pytest.raises(RuntimeError):
        _ = [output async for output in stages[Record](RECORD)]
    transferred, recorded = exporter.get_finished_spans()
    assert (transferred.name, recorded.name) == ("transfer", "record")
    assert transferred.attributes == {"imageferry.job_id": JOB_ID, "imageferry.batch_id": "7"}
    for span in (transferred, recorded):
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == JOB_ID.replace("-", "")
    assert [event.name for event in recorded.events] == ["exception"]
