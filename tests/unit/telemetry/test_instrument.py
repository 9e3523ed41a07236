"""Logs and traces name what is worked on."""

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from imageferry.log import all_is_about, log
from imageferry.model import Record, Transfer
from imageferry.telemetry.instrument import LogWatch, watched
from imageferry.telemetry.traces import TraceWatch
from tests.drivers.recorded_stages import JOB_ID, RECORD, TRANSFER, breaks, tells


async def test_what_a_stage_logs_names_the_job_and_the_batch() -> None:
    all_is_about({"folder_id": "of the task that began this one"})
    stages = watched({Transfer: tells}, [LogWatch()])
    async for _ in stages[Transfer](TRANSFER):
        with structlog.testing.capture_logs() as told:
            log.warning("stage.seen", files=3)
        assert told == [{"event": "stage.seen", "log_level": "warning", "job_id": JOB_ID, "batch_id": 7, "files": 3}]


async def test_all_spans_of_a_job_are_one_trace_that_its_id_names() -> None:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stages = watched({Transfer: tells, Record: breaks}, [TraceWatch(provider.get_tracer("test"))])
    assert [following async for following in stages[Transfer](TRANSFER)] == [RECORD]
    with pytest.raises(RuntimeError):
        _ = [following async for following in stages[Record](RECORD)]
    carried, recorded = exporter.get_finished_spans()
    assert (carried.name, recorded.name) == ("transfer", "record")
    assert carried.attributes == {"imageferry.job_id": JOB_ID, "imageferry.batch_id": "7"}
    for span in (carried, recorded):
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == JOB_ID.replace("-", "")
    assert [event.name for event in recorded.events] == ["exception"]
