"""Jobs as values, for tests without a catalog."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from imageferry.model import Job, JobOptions, JobState

STARTED_AT = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - the catalog's times have no zone
JOB = Job(
    id="job",
    source="google_drive",
    folder_id="folder",
    folder_name="Holiday",
    store="memory://",
    options=JobOptions(),
    state=JobState.RUNNING,
    open_folders=0,
    created_at=STARTED_AT,
    started_at=STARTED_AT,
)


def make_job(**changes: Any) -> Job:  # noqa: ANN401 - the fields of Job
    """Return JOB with these fields changed."""
    return replace(JOB, **changes)


def make_completed_job(**changes: Any) -> Job:  # noqa: ANN401 - the fields of Job
    """Return a job that completed after 95 seconds."""
    return make_job(state=JobState.COMPLETED, finished_at=STARTED_AT + timedelta(seconds=95), **changes)
