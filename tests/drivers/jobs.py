"""Jobs as values, for tests that look at nothing else."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from imageferry.model import Job, JobOptions, JobState

BEGUN_AT = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - the catalog's times have no zone
JOB = Job(
    id="job",
    source="google_drive",
    folder_id="folder",
    folder_name="Holiday",
    store="memory://",
    options=JobOptions(),
    state=JobState.RUNNING,
    open_folders=0,
    created_at=BEGUN_AT,
    started_at=BEGUN_AT,
)


def job(**differing: Any) -> Job:  # noqa: ANN401 - the fields of a job
    """A job that differs from a plain one in some fields."""
    return replace(JOB, **differing)


def ended(**differing: Any) -> Job:  # noqa: ANN401 - the fields of a job
    """A job that was completed after 95 seconds."""
    return job(state=JobState.COMPLETED, finished_at=BEGUN_AT + timedelta(seconds=95), **differing)
