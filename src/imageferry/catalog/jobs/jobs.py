"""The rows of jobs: create, read, and save them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Row, bindparam, select, update

from imageferry.catalog.database.row_locks import for_update
from imageferry.catalog.database.tables import job_folders, jobs
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import webhook_deliveries
from imageferry.clock import utc_now
from imageferry.errors import NotFoundError, Reason
from imageferry.model import Job, JobOptions, JobState, LedgerState, PendingRetry

ACTIVE = (JobState.ACCEPTED, JobState.RUNNING)
UNFINISHED = tuple(state for state in JobState if not state.is_terminal)
FIRST_PAGE = {"page_token": None, "page_number": 1, "checkpoint": None}
NEW_FOLDER = FIRST_PAGE | {
    "state": LedgerState.READY,
    "fresh_pages": 0,
    "stale_pages": 0,
    "restarts": 0,
    "tries": 0,
    "available_at_ms": 0,
}


def create(tx: Connection, job: Job) -> None:
    """Insert a new job and its root folder, ready to be crawled."""
    row = asdict(job) | {"options": msgspec.to_builtins(job.options)}
    tx.execute(jobs.insert().values(row | {"probe_at_ms": 0, "credited_at_ms": 0}))
    root = {
        "job_id": job.id,
        "folder_id": job.folder_id,
        "resource_key": job.resource_key,
        "name": job.folder_name or "",
        "path": "",
        "via_shortcut": False,
    }
    tx.execute(job_folders.insert().values(root | NEW_FOLDER))
    event_log.job_changed(tx, job)


def get(tx: Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """Return a job, None if there is none. With `lock`, its row is locked until the transaction ends."""
    row = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, {"job_id": job_id}).one_or_none()
    return None if row is None else _from_row(row)


def get_existing(tx: Connection, job_id: str) -> Job:
    """Return a job. Raises NotFoundError, with a sentence for the command line, when there is none."""
    job = get(tx, job_id)
    if job is None:
        raise NotFoundError(Reason.GONE, f"There is no job {job_id}. `imageferry jobs` lists them.")
    return job


def get_if_unlocked(tx: Connection, job_id: str) -> Job | None:
    """Lock and return a job. None if there is none, or if another transaction has locked it."""
    row = tx.execute(_BY_ID_IF_UNLOCKED, {"job_id": job_id}).one_or_none()
    return None if row is None else _from_row(row)


# Statements that every page or batch runs are built once: building one takes as long as running it.
_BY_ID = select(jobs).where(jobs.c.id == bindparam("job_id"))
_BY_ID_LOCKED = for_update(_BY_ID, jobs)
_BY_ID_IF_UNLOCKED = for_update(_BY_ID, jobs, skip_locked=True)


def unfinished(tx: Connection) -> list[Job]:
    """Return the jobs that are not terminal, oldest first."""
    query = select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.created_at, jobs.c.id)
    return [_from_row(row) for row in tx.execute(query)]


def by_ids(tx: Connection, job_ids: Collection[str]) -> list[Job]:
    """Return the jobs with these ids that exist, oldest first."""
    if not job_ids:
        return []
    query = select(jobs).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.created_at, jobs.c.id)
    return [_from_row(row) for row in tx.execute(query)]


def find_duplicate(tx: Connection, job: Job) -> Job | None:
    """Return an unfinished job with the same folder, store, options and webhook, None if there is none."""
    same = (jobs.c.source == job.source, jobs.c.folder_id == job.folder_id, jobs.c.store == job.store)
    is_open = jobs.c.state.in_(UNFINISHED) & (jobs.c.state != JobState.CANCELLING)
    query = select(jobs).where(is_open, *same).order_by(jobs.c.created_at, jobs.c.id)
    candidates = map(_from_row, tx.execute(query))
    requested = (job.options, job.webhook_url)
    return next((other for other in candidates if (other.options, other.webhook_url) == requested), None)


def newest(
    tx: Connection,
    *,
    limit: int,
    state: JobState | None = None,
    id_prefix: str | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Job]:
    """Return the newest jobs first, optionally of one state, or with ids that start with a prefix.

    `before` is the cursor: the creation time and id of the last job of the previous page.
    """
    query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(jobs.c.state == state)
    if id_prefix is not None:
        query = query.where(jobs.c.id.startswith(id_prefix, autoescape=True))
    if before is not None:
        created_at, job_id = before
        same_time = (jobs.c.created_at == created_at) & (jobs.c.id < job_id)
        query = query.where((jobs.c.created_at < created_at) | same_time)
    return [_from_row(row) for row in tx.execute(query)]


def finished_before(tx: Connection, time: datetime) -> list[str]:
    """Return the ids of the jobs that finished before a time, oldest first."""
    terminal = jobs.c.state.in_([state for state in JobState if state.is_terminal])
    query = select(jobs.c.id).where(terminal, jobs.c.finished_at < time).order_by(jobs.c.finished_at, jobs.c.id)
    return list(tx.execute(query).scalars())


def save(tx: Connection, job: Job, *, probe_at_ms: int = 0) -> Job:
    """Save a changed job and return it. The caller has locked its row.

    If nothing is left to do, its state becomes COMPLETED or CANCELLED. A job that finishes enqueues its webhook.
    """
    may_finish = not job.state.is_terminal and job.state is not JobState.CANCELLING
    if may_finish and (state := _final_state(tx, job)) is not None:
        job = replace(job, state=state, reason=None, detail=None, finished_at=utc_now())
    if job.state.is_terminal and job.webhook_url is not None and not _is_terminal(tx, job.id):
        webhook_deliveries.enqueue(tx, job)
    tx.execute(_SAVE, _changeable_columns(job) | {"probe_at_ms": probe_at_ms, "of_id": job.id})
    event_log.job_changed(tx, job)
    return job


_SAVE = update(jobs).where(jobs.c.id == bindparam("of_id"))


def _final_state(tx: Connection, job: Job) -> JobState | None:
    """Return the state of a job with nothing left to do, None if something is left.

    CANCELLED: only folders that a cancel closed are left. Such a job was cancelled, and then some items were retried.
    """
    if job.is_complete:
        return JobState.COMPLETED
    if job.processed < job.discovered or job.retry is not None:
        return None
    return None if tx.execute(_OPEN_FOLDER, {"of_job": job.id}).first() else JobState.CANCELLED


_OPEN_FOLDER = (
    select(job_folders.c.id)
    .where(
        job_folders.c.job_id == bindparam("of_job"), job_folders.c.state.in_((LedgerState.READY, LedgerState.IN_FLIGHT))
    )
    .limit(1)
)


def _is_terminal(tx: Connection, job_id: str) -> bool:
    return JobState(tx.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar_one()).is_terminal


def set_waiting(tx: Connection, job: Job, reason: Reason, detail: str | None, *, probe_at_ms: int) -> None:
    """Let an active job wait until `probe_at_ms`, for the given reason. A job in another state is saved as it is."""
    if job.is_complete or job.state not in (*ACTIVE, JobState.WAITING):
        save(tx, job)
    else:
        save(tx, replace(job, state=JobState.WAITING, reason=reason, detail=detail), probe_at_ms=probe_at_ms)


def due_for_probe(tx: Connection, *, now_ms: int, probe_interval_ms: int) -> list[str]:
    """Return the ids of the waiting jobs that are to try again now; not of those that wait for a worker."""
    # A time further ahead than the interval was written before the clock was set back.
    is_due = (jobs.c.probe_at_ms <= now_ms) | (jobs.c.probe_at_ms > now_ms + probe_interval_ms)
    query = select(jobs.c.id).where(jobs.c.state == JobState.WAITING, jobs.c.reason != Reason.NO_WORKER, is_due)
    return list(tx.execute(query).scalars())


_FIXED_COLUMNS = {"id", "source", "folder_id", "resource_key", "store", "options", "webhook_url", "created_at"}
# Columns that are not fields of a Job.
_LEDGER_COLUMNS = ("probe_at_ms", "credited_at_ms")


def _changeable_columns(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__struct_fields__ if name not in _FIXED_COLUMNS}


def _from_row(row: Row[Any]) -> Job:
    fields = row._asdict()  # public, despite its name
    for name in _LEDGER_COLUMNS:
        del fields[name]
    fields["options"] = msgspec.convert(fields["options"], JobOptions)
    fields["retry"] = fields["retry"] and msgspec.convert(fields["retry"], PendingRetry)
    fields["state"] = JobState(fields["state"])
    fields["reason"] = fields["reason"] and Reason(fields["reason"])
    return Job(**fields)
