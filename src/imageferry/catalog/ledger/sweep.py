"""The sweep: work that is overdue is given out again, and jobs that waited try again.

A lease that runs out gives its work back; work that never comes back is set aside.
"""

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, Table, select, update

from imageferry.catalog.database.tables import batches, folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import bulk_steps, outcomes
from imageferry.catalog.ledger.batches import part
from imageferry.catalog.ledger.folders import stumble
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.errors import PermanentError, Reason
from imageferry.model import (
    Crawl,
    Folder,
    ItemState,
    Job,
    JobState,
    LedgerState,
    Message,
    Outcome,
    Record,
    Transfer,
)

# A time so far ahead was written before the clock was set back: no lease that can be set, nor a stay in a queue,
# is as long. It is no matter of the terms, for processes may run under different ones while they are changed.
AHEAD_MS_MAX = 7_200_000


def sweep(
    tx: Connection, *, store: str, terms: LeasePolicy, now_ms: int, waiting: Collection[type[Message]] = ()
) -> list[str]:
    """Take back what is overdue, wake jobs that waited long enough, go a step on where large moves are under way.

    The ids of the jobs to dispatch.

    `waiting` are the kinds of messages that wait in a queue at present: they may be late without being lost.
    """
    for table, kind in ((batches, Transfer), (folders, Crawl)):
        _take_back(tx, table, _overdue(table.c.due_ms, kind, terms=terms, now_ms=now_ms, waiting=waiting))
        too_far = table.c.due_ms > now_ms + terms.again_ms_max
        tx.execute(update(table).where(table.c.state == LedgerState.READY, too_far).values(due_ms=0))
    _set_apart(tx, terms=terms)
    _set_aside_batches(tx, terms=terms, now_ms=now_ms)
    _set_aside_folders(tx, terms=terms, now_ms=now_ms)
    for job_id in jobs.due(tx, now_ms=now_ms, wait_ms_max=terms.probe_ms):
        wake(tx, job_id)
    unfinished = jobs.unfinished(tx)
    for job in unfinished:
        if job.state is JobState.CANCELLING or job.retry is not None:
            _step(tx, job.id)
    return [job.id for job in unfinished if job.store == store and job.state in jobs.ACTIVE]


def reclaim(tx: Connection, *, job_ids: Collection[str]) -> None:
    """Take back all that is in flight of these jobs; only for an engine that knows that nobody else works on them."""
    for table in (batches, folders):
        _take_back(tx, table, table.c.job_id.in_(job_ids))


def wake(tx: Connection, job_id: str) -> Job | None:
    """Let a job that waits try again; the job as it is then, None when there is none."""
    job = jobs.get(tx, job_id, lock=True)
    if job is not None and job.state is JobState.WAITING:
        job = replace(job, state=JobState.RUNNING, reason=None, detail=None)
        jobs.save(tx, job)
    return job


def _step(tx: Connection, job_id: str) -> None:
    job = jobs.get_if_free(tx, job_id)
    stepped = None if job is None else bulk_steps.step(tx, job)
    if stepped is not None and stepped != job:
        jobs.save(tx, stepped)


def _overdue(
    due_ms: ColumnElement[int],
    kind: type[Message],
    *,
    terms: LeasePolicy,
    now_ms: int,
    waiting: Collection[type[Message]],
) -> ColumnElement[bool]:
    # While records wait to be written, signs of life and outcomes are among them.
    unheard = kind is Transfer and Record in waiting
    silent = due_ms <= now_ms - (terms.queue_ms if unheard else 0)
    from_ahead = due_ms > now_ms + AHEAD_MS_MAX
    if kind in waiting or unheard:
        return silent | from_ahead
    # No queue holds it, and nobody began it: its message was lost.
    begun_by_nobody = (due_ms > now_ms + terms.lease_ms) & (due_ms <= now_ms + terms.queue_ms - terms.lease_ms)
    return silent | from_ahead | begun_by_nobody


def _take_back(tx: Connection, table: Table, which: ColumnElement[bool]) -> None:
    in_flight = table.c.state == LedgerState.IN_FLIGHT
    tx.execute(update(table).where(in_flight, which).values(state=LedgerState.READY, due_ms=0))


def _set_apart(tx: Connection, *, terms: LeasePolicy) -> None:
    """Let the files of a batch that never comes back go on apart: one of them may be what loses all the others."""
    lost = (batches.c.state == LedgerState.READY, batches.c.tries >= terms.apart_tries, batches.c.files > 1)
    for batch in tx.execute(select(batches).where(*lost)).all():
        jobs.get(tx, batch.job_id, lock=True)
        item_ids = items.pending(tx, batch_ids=[batch.id])
        tries = min(batch.tries, terms.tries_max - 1)
        part(tx, job_id=batch.job_id, batch_id=batch.id, item_ids=item_ids, tries=tries)


def _set_aside_batches(tx: Connection, *, terms: LeasePolicy, now_ms: int) -> None:
    detail = f"It was given out {terms.tries_max} times and never came back: whoever had it was lost each time."
    for batch in tx.execute(_never_came_back(batches, terms)).all():
        lost = tuple(
            Outcome(item_id=item_id, state=ItemState.FAILED, reason=Reason.POISON, detail=detail)
            for item_id in items.pending(tx, batch_ids=[batch.id])
        )
        record = Record(job_id=batch.job_id, batch_id=batch.id, outcomes=lost, final=True)
        outcomes.finish(tx, record, terms=terms, now_ms=now_ms)


def _set_aside_folders(tx: Connection, *, terms: LeasePolicy, now_ms: int) -> None:
    error = PermanentError(Reason.POISON, f"The folder was listed {terms.tries_max} times without an end.")
    for row in tx.execute(_never_came_back(folders, terms)).all():
        folder = Folder(id=row.folder_id, name=row.name, resource_key=row.resource_key)
        crawl = Crawl(
            job_id=row.job_id,
            source="",
            crawl_id=row.id,
            folder=folder,
            path=row.path,
            page_token=row.page_token,
        )
        stumble(tx, crawl, error=error, terms=terms, now_ms=now_ms)


def _never_came_back(table: Table, terms: LeasePolicy) -> Select[Any]:
    return select(table).where(table.c.state == LedgerState.READY, table.c.tries >= terms.tries_max)
