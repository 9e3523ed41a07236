"""Samples of jobs' progress: the last seconds for a rate, the whole series for a chart."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, select, union_all

from imageferry.catalog.database.tables import events, job_progress_samples
from imageferry.catalog.events.event_log import EventKind, downsample
from imageferry.progress_estimate import WINDOW_S, ProgressSample

POINTS_MAX = 300
# Over all the requested jobs.
RECENT_MAX = 5_000


def recent(tx: Connection, *, job_ids: Collection[str], now: datetime) -> dict[str, list[ProgressSample]]:
    """Return the samples of jobs in the last WINDOW_S seconds before `now`, by job, in order of time."""
    found: dict[str, list[ProgressSample]] = {job_id: [] for job_id in job_ids}
    if job_ids:
        since = now - timedelta(seconds=WINDOW_S)
        for row in reversed(tx.execute(_RECENT, {"job_ids": list(job_ids), "since": since}).all()):
            found[row.job_id].append(_sample(row))
    return found


def series(tx: Connection, *, job_id: str, points_max: int = POINTS_MAX) -> Sequence[ProgressSample]:
    """Return a job's samples from its start to its end or now, at most `points_max`, evenly spaced in time."""
    rows = tx.execute(_SERIES, {"of_job": job_id}).all()
    return [_sample(rows[index]) for index in downsample([row.recorded_at for row in rows], points=points_max)]


def _columns(table: Any) -> list[Any]:  # noqa: ANN401 - events or job_progress_samples
    return [table.c.id, table.c.recorded_at, table.c.discovered, table.c.processed, table.c.bytes_transferred]


def _series_query() -> Select[Any]:
    of_job: BindParameter[str] = bindparam("of_job")
    kept = select(*_columns(job_progress_samples)).where(job_progress_samples.c.job_id == of_job)
    recent_events = select(*_columns(events)).where(events.c.job_id == of_job, events.c.kind == EventKind.JOB)
    both = union_all(kept, recent_events).subquery()
    return select(both).order_by(both.c.recorded_at, both.c.id)


_SERIES = _series_query()
_RECENT = (
    select(events.c.job_id, *_columns(events))
    .where(events.c.job_id.in_(bindparam("job_ids", expanding=True)), events.c.recorded_at >= bindparam("since"))
    .where(events.c.kind == EventKind.JOB)
    .order_by(events.c.recorded_at.desc(), events.c.id.desc())
    .limit(RECENT_MAX)
)


def _sample(row: Row[Any]) -> ProgressSample:
    return ProgressSample(
        at_s=row.recorded_at.replace(tzinfo=UTC).timestamp(),
        discovered=row.discovered,
        processed=row.processed,
        bytes_transferred=row.bytes_transferred,
    )
