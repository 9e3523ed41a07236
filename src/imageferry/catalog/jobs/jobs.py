"""Jobs in the catalog."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Row, bindparam, select, update

from imageferry.catalog.database.row_locks import holding
from imageferry.catalog.database.tables import folders, jobs
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import webhook_deliveries
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import Job, JobOptions, JobState, LedgerState, Retry

ACTIVE = (JobState.ACCEPTED, JobState.RUNNING)
UNFINISHED = tuple(state for state in JobState if not state.terminal)
NEW_FOLDER = {"state": LedgerState.READY, "pages": 0, "stale_pages": 0, "tries": 0, "due_ms": 0}


def accept(tx: Connection, job: Job) -> None:
    """Write a new job and its root folder, ready to be crawled."""
    row = asdict(job) | {"options": msgspec.to_builtins(job.options)}
    tx.execute(jobs.insert().values(row | {"due_ms": 0, "served_ms": 0}))
    root = {
        "job_id": job.id,
        "folder_id": job.folder_id,
        "resource_key": job.resource_key,
        "name": job.folder_name or "",
        "path": "",
        "by_shortcut": False,
    }
    tx.execute(folders.insert().values(root | NEW_FOLDER))
    event_log.job_changed(tx, job)


def get(tx: Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """One job; with `lock`, nobody else changes it before this transaction ends."""
    row = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, {"job_id": job_id}).one_or_none()
    return None if row is None else _job(row)


def get_if_free(tx: Connection, job_id: str) -> Job | None:
    """One job, held until this transaction ends; None also when somebody else holds it."""
    row = tx.execute(_BY_ID_IF_FREE, {"job_id": job_id}).one_or_none()
    return None if row is None else _job(row)


# Built once, as is whatever every page or batch asks: to build a statement takes as long as to run it.
_BY_ID = select(jobs).where(jobs.c.id == bindparam("job_id"))
_BY_ID_LOCKED = holding(_BY_ID, jobs)
_BY_ID_IF_FREE = holding(_BY_ID, jobs, skip_held=True)


def unfinished(tx: Connection) -> list[Job]:
    """Jobs that are not terminal, oldest first."""
    query = select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.created_at, jobs.c.id)
    return [_job(row) for row in tx.execute(query)]


def of_ids(tx: Connection, job_ids: Collection[str]) -> list[Job]:
    """The jobs of these ids, as far as there are any, oldest first."""
    if not job_ids:
        return []
    query = select(jobs).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.created_at, jobs.c.id)
    return [_job(row) for row in tx.execute(query)]


def twin(tx: Connection, job: Job) -> Job | None:
    """A job that is not terminal and does exactly what this one would."""
    same = (jobs.c.source == job.source, jobs.c.folder_id == job.folder_id, jobs.c.store == job.store)
    goes_on = jobs.c.state.in_(UNFINISHED) & (jobs.c.state != JobState.CANCELLING)
    query = select(jobs).where(goes_on, *same).order_by(jobs.c.created_at, jobs.c.id)
    wish = (job.options, job.webhook_url)
    return next((other for other in map(_job, tx.execute(query)) if (other.options, other.webhook_url) == wish), None)


def latest(
    tx: Connection, *, limit: int, state: JobState | None = None, before: tuple[datetime, str] | None = None
) -> list[Job]:
    """The newest jobs first, of one state where it is told; `before` is the time and the id of the one before them."""
    query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if before is not None:
        at, job_id = before
        query = query.where((jobs.c.created_at < at) | ((jobs.c.created_at == at) & (jobs.c.id < job_id)))
    return [_job(row) for row in tx.execute(query)]


def ended_before(tx: Connection, time: datetime) -> list[str]:
    """Ids of the jobs that ended before a time, the oldest first."""
    terminal = jobs.c.state.in_([state for state in JobState if state.terminal])
    query = select(jobs.c.id).where(terminal, jobs.c.finished_at < time).order_by(jobs.c.finished_at, jobs.c.id)
    return list(tx.execute(query).scalars())


def save(tx: Connection, job: Job, *, due_ms: int = 0) -> Job:
    """Write what a move changed of a job that it holds locked, and answer it; one that has come to its end is there."""
    if not job.state.terminal and job.state is not JobState.CANCELLING and (end := _end(tx, job)) is not None:
        job = replace(job, state=end, reason=None, detail=None, finished_at=utc_now())
    if job.state.terminal and job.webhook_url is not None and not _is_terminal(tx, job.id):
        webhook_deliveries.owe(tx, job)
    tx.execute(_SAVE, _progress(job) | {"due_ms": due_ms, "of_id": job.id})
    event_log.job_changed(tx, job)
    return job


_SAVE = update(jobs).where(jobs.c.id == bindparam("of_id"))


def _end(tx: Connection, job: Job) -> JobState | None:
    """Completed when it is settled; cancelled once more when all that is left are folders that a cancel closed."""
    if job.is_complete:
        return JobState.COMPLETED
    if job.processed < job.discovered or job.retry is not None:
        return None
    return None if tx.execute(_OPEN_FOLDER, {"of_job": job.id}).first() else JobState.CANCELLED


_OPEN_FOLDER = (
    select(folders.c.id)
    .where(folders.c.job_id == bindparam("of_job"), folders.c.state.in_((LedgerState.READY, LedgerState.IN_FLIGHT)))
    .limit(1)
)


def _is_terminal(tx: Connection, job_id: str) -> bool:
    return JobState(tx.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar_one()).terminal


def wait(tx: Connection, job: Job, reason: Reason, detail: str | None, *, due_ms: int) -> None:
    """Let a job that is under way wait, with what it waits for, until it is due to probe."""
    if job.is_complete or job.state not in (*ACTIVE, JobState.WAITING):
        save(tx, job)
    else:
        save(tx, replace(job, state=JobState.WAITING, reason=reason, detail=detail), due_ms=due_ms)


def due(tx: Connection, *, now_ms: int, wait_ms_max: int) -> list[str]:
    """Ids of waiting jobs whose time to probe has come.

    A time further ahead than anyone waits was written before the clock was set back.
    """
    query = select(jobs.c.id).where(jobs.c.state == JobState.WAITING)
    return list(tx.execute(query.where((jobs.c.due_ms <= now_ms) | (jobs.c.due_ms > now_ms + wait_ms_max))).scalars())


_IDENTITY = {"id", "source", "folder_id", "resource_key", "store", "options", "webhook_url", "created_at"}
# What the ledger keeps for itself.
_ONLY_KEPT = ("due_ms", "served_ms")


def _progress(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__struct_fields__ if name not in _IDENTITY}


def _job(row: Row[Any]) -> Job:
    fields = row._asdict()  # public, in spite of its name
    for name in _ONLY_KEPT:
        del fields[name]
    fields["options"] = msgspec.convert(fields["options"], JobOptions)
    fields["retry"] = fields["retry"] and msgspec.convert(fields["retry"], Retry)
    fields["state"] = JobState(fields["state"])
    fields["reason"] = fields["reason"] and Reason(fields["reason"])
    return Job(**fields)
