"""How jobs went on: the last seconds for a rate, all of it for a line."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, select, union_all

from imageferry.catalog.database.tables import events, samples
from imageferry.catalog.events.event_log import EventKind, thinned
from imageferry.progress_estimate import WINDOW_S, Sample

POINTS_MAX = 300
# Of the last seconds of all the jobs that are asked for.
RECENT_MAX = 5_000


def recent(tx: Connection, *, job_ids: Collection[str], now: datetime) -> dict[str, list[Sample]]:
    """The samples of jobs in the seconds before a moment, in their order."""
    found: dict[str, list[Sample]] = {job_id: [] for job_id in job_ids}
    if job_ids:
        since = now - timedelta(seconds=WINDOW_S)
        for row in reversed(tx.execute(_RECENT, {"job_ids": list(job_ids), "since": since}).all()):
            found[row.job_id].append(_sample(row))
    return found


def line(tx: Connection, *, job_id: str, points: int = POINTS_MAX) -> Sequence[Sample]:
    """A job from its beginning to now, or to its end, in at most so many samples that are even in time."""
    rows = tx.execute(_LINE, {"of_job": job_id}).all()
    return [_sample(rows[index]) for index in thinned([row.at for row in rows], points=points)]


def _columns(table: Any) -> list[Any]:  # noqa: ANN401 - events or samples
    return [table.c.id, table.c.at, table.c.discovered, table.c.processed, table.c.bytes_moved]


def _line() -> Select[Any]:
    of_job: BindParameter[str] = bindparam("of_job")
    lasting = select(*_columns(samples)).where(samples.c.job_id == of_job)
    late = select(*_columns(events)).where(events.c.job_id == of_job, events.c.kind == EventKind.JOB)
    both = union_all(lasting, late).subquery()
    return select(both).order_by(both.c.at, both.c.id)


_LINE = _line()
_RECENT = (
    select(events.c.job_id, *_columns(events))
    .where(events.c.job_id.in_(bindparam("job_ids", expanding=True)), events.c.at >= bindparam("since"))
    .where(events.c.kind == EventKind.JOB)
    .order_by(events.c.at.desc(), events.c.id.desc())
    .limit(RECENT_MAX)
)


def _sample(row: Row[Any]) -> Sample:
    return Sample(
        at_s=row.at.replace(tzinfo=UTC).timestamp(),
        discovered=row.discovered,
        processed=row.processed,
        bytes_moved=row.bytes_moved,
    )
