"""The ledger's moves of batches: dispatch and finish; each is one transaction's work, and safe to repeat.

Every move holds its job's row locked, so that of two workers at one row one wins and the
other finds the work done. Times are milliseconds since 1970.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from msgspec.structs import replace
from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, select, update

from imageferry.catalog import images, items, jobs, removals, tallies
from imageferry.catalog.steps import wind_up
from imageferry.catalog.tables import batches, folders
from imageferry.catalog.tables import jobs as jobs_table
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


def finish(tx: Connection, *records: Record, terms: Terms, now_ms: int) -> None:
    """Write what became of files of a job's batches; outcomes that are known already change nothing."""
    job = jobs.get(tx, records[0].job_id, lock=True)
    if job is None:
        return
    by_item: dict[int, Outcome] = {}
    for record in records:
        for outcome in record.outcomes:
            by_item.setdefault(outcome.item_id, outcome)
    told: Collection[Outcome] = by_item.values()
    if any(outcome.state is ItemState.STORED for outcome in told):
        tallies.lock(tx)
        told = removals.turned_back(tx, told, store=job.store)
    batch_ids = {record.batch_id for record in records}
    pending = items.pending(tx, batch_ids=batch_ids)
    if job.state in _CANCELLED:
        late = _stored_after_all(tx, told, batch_ids=batch_ids)
        # The job as it is before that is written.
        job, pending = replace(job, skipped=job.skipped - len(late)), pending | late
    news = [_bounded(outcome, pending[outcome.item_id].tries, terms) for outcome in told if outcome.item_id in pending]
    items.settle(tx, news, listed=pending)
    stored = [outcome for outcome in news if outcome.state is ItemState.STORED]
    if stored:
        of_stored = [pending[outcome.item_id] for outcome in stored]
        images.record(tx, of_stored, source=job.source, store=job.store, now=utc_now())
    _come_back(tx, records, news, pending=pending, terms=terms, now_ms=now_ms)
    job = replace(
        job,
        stored=job.stored + len(stored),
        skipped=job.skipped + sum(outcome.state is ItemState.SKIPPED for outcome in news),
        failed=job.failed + sum(outcome.state is ItemState.FAILED for outcome in news),
        bytes_stored=job.bytes_stored + sum(outcome.size_bytes or 0 for outcome in stored),
        bytes_moved=job.bytes_moved + sum(outcome.size_bytes or 0 for outcome in stored if outcome.moved),
    )
    blocked = next((record for record in records if record.blocked), None)
    if job.state is JobState.CANCELLING:
        jobs.save(tx, wind_up(tx, job))
    elif blocked is not None and blocked.blocked is not None:
        jobs.wait(tx, job, blocked.blocked, blocked.blocked_detail, due_ms=now_ms + terms.probe_ms)
    else:
        jobs.save(tx, job)


_CANCELLED = (JobState.CANCELLING, JobState.CANCELLED)


def _stored_after_all(
    tx: Connection, told: Collection[Outcome], *, batch_ids: Collection[int]
) -> dict[int, items.Pending]:
    """The items that were withdrawn when their job was cancelled, and that somebody had stored nevertheless.

    An object that stands has its record, so they are stored.
    """
    stored = {outcome.item_id for outcome in told if outcome.state is ItemState.STORED}
    withdrawn = items.withdrawn(tx, batch_ids=batch_ids) if stored else {}
    return {item_id: item for item_id, item in withdrawn.items() if item_id in stored}


def unaccounted(tx: Connection, *, store: str, limit: int) -> list[Transfer]:
    """Batches that cancelled jobs withdrew after they had been given out: nobody told what of them stands."""
    of_cancelled = (jobs_table.c.store == store, jobs_table.c.state.in_(_CANCELLED))
    query = select(batches.c.id, jobs_table.c.id, jobs_table.c.source).join(jobs_table)
    found = tx.execute(query.where(*of_cancelled, batches.c.state == LedgerState.CLOSED).limit(limit)).all()
    parcels = items.withdrawn_parcels(tx, batch_ids=[batch_id for batch_id, _, _ in found])
    return [
        Transfer(job_id=job_id, source=source, batch_id=batch_id, parcels=tuple(parcels[batch_id]), repeated=True)
        for batch_id, job_id, source in found
    ]


def give_back(tx: Connection, message: Crawl | Transfer) -> None:
    """Write that a message could not be sent: its work is ready again."""
    table, row_id = (folders, message.crawl_id) if isinstance(message, Crawl) else (batches, message.batch_id)
    in_flight = (table.c.id == row_id, table.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(table).where(*in_flight).values(state=LedgerState.READY, due_ms=0, tries=table.c.tries - 1))


def _come_back(
    tx: Connection,
    records: Sequence[Record],
    news: Sequence[Outcome],
    *,
    pending: Mapping[int, items.Pending],
    terms: Terms,
    now_ms: int,
) -> None:
    """Write of each batch that it came back, or that it is alive."""
    left = Counter(item.batch_id for item in pending.values())
    tries_max: dict[int, int] = {}  # of what is to be given out again
    hopeful = {record.batch_id for record in records if record.final and not record.lost}
    for outcome in news:
        item = pending[outcome.item_id]
        if outcome.state is ItemState.PENDING:
            tries_max[item.batch_id] = max(item.tries + 1, tries_max.get(item.batch_id, 0))
        else:
            left[item.batch_id] -= 1
            hopeful.add(item.batch_id)
    back = sorted({record.batch_id for record in records if record.final})
    alive = sorted({record.batch_id for record in records}.difference(back))
    if back:
        pauses_ms = {batch_id: terms.pause_ms(tries) for batch_id, tries in tries_max.items()}
        tx.execute(
            _TAKE_BACK,
            [
                {
                    "of_batch": batch_id,
                    "new_state": LedgerState.READY if left[batch_id] else LedgerState.DONE,
                    "new_files": left[batch_id],
                    "new_due_ms": now_ms + pauses_ms.get(batch_id, 0),
                }
                for batch_id in back
            ],
        )
    if alive:
        tx.execute(_PROLONG, {"batch_ids": alive, "new_due_ms": now_ms + terms.lease_ms})
    if hopeful:
        tx.execute(_BEGIN_ANEW, {"batch_ids": sorted(hopeful)})


_SOME_BATCHES = batches.c.id.in_(bindparam("batch_ids", expanding=True))
# Done, or ready again for what is left of it.
_TAKE_BACK = (
    update(batches)
    .where(batches.c.id == bindparam("of_batch"), batches.c.state != LedgerState.DONE)
    .values(state=bindparam("new_state"), files=bindparam("new_files"), due_ms=bindparam("new_due_ms"))
)
# The lease begins anew.
_PROLONG = (
    update(batches)
    .where(_SOME_BATCHES, batches.c.state == LedgerState.IN_FLIGHT)
    .values(due_ms=bindparam("new_due_ms"))
)
_BEGIN_ANEW = update(batches).where(_SOME_BATCHES).values(tries=1)


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
