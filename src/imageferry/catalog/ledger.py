"""The ledger's moves of batches: dispatch and finish; each is one transaction's work, and safe to repeat.

Every move holds its job's row locked, so that of two workers at one row one wins and the
other finds the work done. Times are milliseconds since 1970.
"""

from dataclasses import replace
from functools import cache

from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, select, update

from imageferry.catalog import images, items, jobs, removals, tallies
from imageferry.catalog.control import wind_up
from imageferry.catalog.tables import batches, folders
from imageferry.catalog.terms import Terms
from imageferry.clock import utc_now
from imageferry.model import (
    Crawl,
    Folder,
    ItemState,
    Job,
    JobState,
    LedgerState,
    Outcome,
    Record,
    Transfer,
)


def dispatch(tx: Connection, job_id: str, *, terms: Terms, now_ms: int, waits: bool = True) -> list[Crawl | Transfer]:
    """Give out as much of a job as its credit has room for; the messages are to be sent once this is committed.

    Unless it `waits`, a job that somebody else holds is left to them.
    """
    job = jobs.get(tx, job_id, lock=True) if waits else jobs.get_if_free(tx, job_id)
    if job is None or job.state not in jobs.ACTIVE:
        return []
    transfers = _transfers(tx, job, terms=terms, now_ms=now_ms)
    crawls = _crawls(tx, job, terms=terms, now_ms=now_ms) if job.open_folders else []
    if job.state is JobState.ACCEPTED:
        jobs.save(tx, replace(job, state=JobState.RUNNING, started_at=utc_now()))
    return [*crawls, *transfers]


def finish(tx: Connection, record: Record, *, terms: Terms, now_ms: int) -> None:
    """Write what became of files of a batch; outcomes that are known already change nothing."""
    job = jobs.get(tx, record.job_id, lock=True)
    if job is None:
        return
    if any(outcome.state is ItemState.STORED for outcome in record.outcomes):
        tallies.lock(tx)
        record = replace(record, outcomes=removals.turned_back(tx, record.outcomes, store=job.store))
    pending = items.pending(tx, batch_id=record.batch_id)
    known = [outcome for outcome in record.outcomes if outcome.item_id in pending]
    if job.state in _CANCELLED:
        job, late = _stored_after_all(tx, job, record)
        pending, known = pending | late, known + [outcome for outcome in record.outcomes if outcome.item_id in late]
    news = [_bounded(outcome, pending[outcome.item_id].tries, terms) for outcome in known]
    items.settle(tx, news, listed=pending)
    stored = [outcome for outcome in news if outcome.state is ItemState.STORED]
    if stored:
        images.record(tx, item_ids=[outcome.item_id for outcome in stored], now=utc_now())
    again = [outcome for outcome in news if outcome.state is ItemState.PENDING]
    settled = len(news) - len(again)
    pause_ms = terms.pause_ms(max(pending[outcome.item_id].tries + 1 for outcome in again)) if again else 0
    if record.final:
        _take_back(tx, record.batch_id, left=len(pending) - settled, due_ms=now_ms + pause_ms)
    else:
        _prolong(tx, record.batch_id, due_ms=now_ms + terms.lease_ms)
    if settled or (record.final and not record.lost):
        tx.execute(update(batches).where(batches.c.id == record.batch_id).values(tries=1))
    job = replace(
        job,
        stored=job.stored + len(stored),
        skipped=job.skipped + sum(outcome.state is ItemState.SKIPPED for outcome in news),
        failed=job.failed + sum(outcome.state is ItemState.FAILED for outcome in news),
        bytes_stored=job.bytes_stored + sum(outcome.size_bytes or 0 for outcome in stored),
        bytes_moved=job.bytes_moved + sum(outcome.size_bytes or 0 for outcome in stored if outcome.moved),
    )
    if job.state is JobState.CANCELLING:
        jobs.save(tx, wind_up(tx, job))
    elif record.blocked:
        jobs.wait(tx, job, record.blocked, record.blocked_detail, due_ms=now_ms + terms.probe_ms)
    else:
        jobs.save(tx, job)


_CANCELLED = (JobState.CANCELLING, JobState.CANCELLED)


def _stored_after_all(tx: Connection, job: Job, record: Record) -> tuple[Job, dict[int, items.Pending]]:
    """The items that were withdrawn when their job was cancelled, and that somebody had stored nevertheless.

    An object that stands has its record, so they are stored; the job as it is before that is written.
    """
    stored = {outcome.item_id for outcome in record.outcomes if outcome.state is ItemState.STORED}
    withdrawn = items.withdrawn(tx, batch_id=record.batch_id) if stored else {}
    late = {item_id: item for item_id, item in withdrawn.items() if item_id in stored}
    return replace(job, skipped=job.skipped - len(late)), late


def give_back(tx: Connection, message: Crawl | Transfer) -> None:
    """Write that a message could not be sent: its work is ready again."""
    table, row_id = (folders, message.crawl_id) if isinstance(message, Crawl) else (batches, message.batch_id)
    in_flight = (table.c.id == row_id, table.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(table).where(*in_flight).values(state=LedgerState.READY, due_ms=0, tries=table.c.tries - 1))


def _take_back(tx: Connection, batch_id: int, *, left: int, due_ms: int) -> None:
    """Write that a batch came back: done, or ready again for what is left of it."""
    state = LedgerState.READY if left else LedgerState.DONE
    not_done = (batches.c.id == batch_id, batches.c.state != LedgerState.DONE)
    tx.execute(update(batches).where(*not_done).values(state=state, files=left, due_ms=due_ms))


def _prolong(tx: Connection, batch_id: int, *, due_ms: int) -> None:
    """Write that a batch is alive: its lease begins anew."""
    in_flight = (batches.c.id == batch_id, batches.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(batches).where(*in_flight).values(due_ms=due_ms))


def _crawls(tx: Connection, job: Job, *, terms: Terms, now_ms: int) -> list[Crawl]:
    ids = _give_out(tx, folders, job, at_most=terms.folders_of(job.credit), terms=terms, now_ms=now_ms)
    if not ids:
        return []
    rows = tx.execute(select(folders).where(folders.c.id.in_(ids)).order_by(folders.c.id))
    return [
        Crawl(
            job_id=job.id,
            source=job.source,
            crawl_id=row.id,
            folder=Folder(id=row.folder_id, name=row.name, resource_key=row.resource_key),
            path=row.path,
            page_token=row.page_token,
            root=row.folder_id == job.folder_id and row.path == "",
        )
        for row in rows
    ]


def _transfers(tx: Connection, job: Job, *, terms: Terms, now_ms: int) -> list[Transfer]:
    ids = _give_out(tx, batches, job, at_most=terms.batches_of(job.credit), terms=terms, now_ms=now_ms)
    if not ids:
        return []
    tries: dict[int, int] = dict(tx.execute(select(batches.c.id, batches.c.tries).where(batches.c.id.in_(ids))).all())
    return [
        Transfer(
            job_id=job.id,
            source=job.source,
            batch_id=batch_id,
            parcels=tuple(parcels),
            repeated=tries[batch_id] > 1,
        )
        for batch_id, parcels in items.parcels(tx, batch_ids=ids).items()
    ]


def _give_out(tx: Connection, table: Table, job: Job, *, at_most: int, terms: Terms, now_ms: int) -> list[int]:
    room = at_most - tx.execute(_in_flight(table), {"of_job": job.id}).scalar_one()
    if room <= 0:
        return []
    limits = {"now_ms": now_ms, "room": room, "tries_max": terms.tries_max}
    if table is batches:
        limits["apart_tries"] = terms.apart_tries
    ids = list(tx.execute(_ready(table), {"of_job": job.id} | limits).scalars())
    if ids:
        given_out = {
            "state": LedgerState.IN_FLIGHT,
            "due_ms": now_ms + terms.queue_ms,  # the first sign of life begins its lease
            "tries": table.c.tries + 1,
        }
        tx.execute(update(table).where(table.c.id.in_(ids)).values(given_out))
    return ids


@cache
def _in_flight(table: Table) -> Select[int]:
    of_job = table.c.job_id == bindparam("of_job")
    return select(func.count()).select_from(table).where(of_job, table.c.state == LedgerState.IN_FLIGHT)


@cache
def _ready(table: Table) -> Select[int]:
    due = (table.c.state == LedgerState.READY, table.c.due_ms <= bindparam("now_ms"))
    # What never comes back is the sweep's to set apart or aside.
    tried = table.c.tries < bindparam("tries_max")
    if table is batches:
        tried &= (table.c.files == 1) | (table.c.tries < bindparam("apart_tries"))
    query = select(table.c.id).where(table.c.job_id == bindparam("of_job"), *due, tried)
    return query.order_by(table.c.id).limit(bindparam("room", type_=Integer))


def _bounded(outcome: Outcome, tries: int, terms: Terms) -> Outcome:
    if outcome.state is ItemState.PENDING and tries + 1 >= terms.item_tries_max:
        return replace(outcome, state=ItemState.FAILED)
    return outcome
