"""Jobs in the catalog."""

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from imageferry.catalog.tables import folders, jobs
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import Job, JobOptions, JobState, LedgerState

ACTIVE = (JobState.ACCEPTED, JobState.RUNNING)
UNFINISHED = (*ACTIVE, JobState.WAITING)
NEW_FOLDER = {"state": LedgerState.READY, "pages": 0, "stale_pages": 0, "tries": 0, "due_ms": 0}


def accept(tx: Connection, job: Job) -> None:
    """Write a new job and its root folder, ready to be crawled."""
    row = asdict(job)
    tx.execute(jobs.insert().values(row | {"due_ms": 0}))
    root = {
        "job_id": job.id,
        "folder_id": job.folder_id,
        "resource_key": job.resource_key,
        "name": job.folder_name or "",
        "path": "",
        "by_shortcut": False,
    }
    tx.execute(folders.insert().values(root | NEW_FOLDER))


def get(tx: Connection, job_id: str, *, lock: bool = False) -> Job | None:
    """One job; with `lock`, nobody else changes it before this transaction ends."""
    row = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, {"job_id": job_id}).one_or_none()
    return None if row is None else _job(row)


# Built once, as is whatever every page or batch asks: to build a statement takes as long as to run it.
_BY_ID = select(jobs).where(jobs.c.id == bindparam("job_id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()


def unfinished(tx: Connection) -> list[Job]:
    """Jobs that are not terminal, oldest first."""
    query = select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.created_at, jobs.c.id)
    return [_job(row) for row in tx.execute(query)]


def twin(tx: Connection, job: Job) -> Job | None:
    """A job that is not terminal and does exactly what this one would."""
    same = (jobs.c.source == job.source, jobs.c.folder_id == job.folder_id, jobs.c.store == job.store)
    query = select(jobs).where(jobs.c.state.in_(UNFINISHED), *same).order_by(jobs.c.created_at, jobs.c.id)
    return next((other for other in map(_job, tx.execute(query)) if other.options == job.options), None)


def latest(tx: Connection, *, limit: int) -> list[Job]:
    """The newest jobs first."""
    return [_job(row) for row in tx.execute(select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit))]


def save(tx: Connection, job: Job, *, due_ms: int = 0) -> None:
    """Write what a move changed of a job that it holds locked; one that is settled is completed by it."""
    if job.settled and not job.state.terminal:
        job = replace(job, state=JobState.COMPLETED, reason=None, detail=None, finished_at=utc_now())
    tx.execute(update(jobs).where(jobs.c.id == job.id).values(_progress(job) | {"due_ms": due_ms}))


def wait(tx: Connection, job: Job, reason: Reason, detail: str | None, *, due_ms: int) -> None:
    """Let a job wait, with what it waits for, until it is due to probe."""
    save(tx, replace(job, state=JobState.WAITING, reason=reason, detail=detail), due_ms=due_ms)


def due(tx: Connection, *, now_ms: int, wait_ms_max: int) -> list[str]:
    """Ids of waiting jobs whose time to probe has come.

    A time further ahead than anyone waits was written before the clock was set back.
    """
    query = select(jobs.c.id).where(jobs.c.state == JobState.WAITING)
    return list(tx.execute(query.where((jobs.c.due_ms <= now_ms) | (jobs.c.due_ms > now_ms + wait_ms_max))).scalars())


_IDENTITY = {"id", "source", "folder_id", "resource_key", "store", "options", "created_at"}


def _progress(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__dataclass_fields__ if name not in _IDENTITY}


def _job(row: Row[Any]) -> Job:
    fields = row._asdict()  # public, in spite of its name
    del fields["due_ms"]
    options = fields["options"]
    fields["options"] = JobOptions(
        recursive=options["recursive"], include=tuple(options["include"]), exclude=tuple(options["exclude"])
    )
    fields["state"] = JobState(fields["state"])
    fields["reason"] = fields["reason"] and Reason(fields["reason"])
    return Job(**fields)
