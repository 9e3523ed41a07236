"""Record the outcomes of transfers: images upserted, items settled, counts updated, batches finished or requeued."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select, update

from imageferry.catalog.database.tables import batches
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.images import counters, deletions, records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.bulk_steps import wind_up
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import utc_now
from imageferry.model import ItemState, JobState, LedgerState, Outcome, Record, Transfer


def finish(tx: Connection, *messages: Record, terms: LeasePolicy, now_ms: int) -> None:
    """Write what became of files of a job's batches; outcomes that are known already change nothing."""
    job = jobs.get(tx, messages[0].job_id, lock=True)
    if job is None:
        return
    by_item: dict[int, Outcome] = {}
    for record in messages:
        for outcome in record.outcomes:
            by_item.setdefault(outcome.item_id, outcome)
    told: Collection[Outcome] = by_item.values()
    if any(outcome.state is ItemState.STORED for outcome in told):
        counters.lock(tx)
        told = deletions.turned_back(tx, told, store=job.store)
    batch_ids = {record.batch_id for record in messages}
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
        records.record(tx, of_stored, source=job.source, store=job.store, now=utc_now())
    _come_back(tx, messages, news, pending=pending, terms=terms, now_ms=now_ms)
    job = replace(
        job,
        stored=job.stored + len(stored),
        skipped=job.skipped + sum(outcome.state is ItemState.SKIPPED for outcome in news),
        failed=job.failed + sum(outcome.state is ItemState.FAILED for outcome in news),
        bytes_stored=job.bytes_stored + sum(outcome.size_bytes or 0 for outcome in stored),
        bytes_moved=job.bytes_moved + sum(outcome.size_bytes or 0 for outcome in stored if outcome.moved),
    )
    blocked = next((record for record in messages if record.blocked), None)
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
    found = tx.execute(query.where(*of_cancelled, batches.c.state == LedgerState.WITHDRAWN).limit(limit)).all()
    parcels = items.withdrawn_parcels(tx, batch_ids=[batch_id for batch_id, _, _ in found])
    return [
        Transfer(job_id=job_id, source=source, batch_id=batch_id, parcels=tuple(parcels[batch_id]), repeated=True)
        for batch_id, job_id, source in found
    ]


def _come_back(
    tx: Connection,
    records: Sequence[Record],
    news: Sequence[Outcome],
    *,
    pending: Mapping[int, items.Pending],
    terms: LeasePolicy,
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


def _bounded(outcome: Outcome, tries: int, terms: LeasePolicy) -> Outcome:
    if outcome.state is ItemState.PENDING and tries + 1 >= terms.item_tries_max:
        return replace(outcome, state=ItemState.FAILED)
    return outcome
