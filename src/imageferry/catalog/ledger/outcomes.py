"""Record the outcomes of transfers: upsert images, update items and counts, finish or requeue batches."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select, update

from imageferry.catalog.database.refusals import find_refused
from imageferry.catalog.database.tables import batches
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.images import counters, deletions, records
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.batches import isolate
from imageferry.catalog.ledger.bulk_steps import cancel_step
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import ItemState, JobState, LedgerState, Outcome, Record, Transfer


def record_outcomes(tx: Connection, *messages: Record, policy: LeasePolicy, now_ms: int) -> None:
    """Write the outcomes of files in batches of one job. Outcomes that are already recorded change nothing."""
    job = jobs.get(tx, messages[0].job_id, lock=True)
    if job is None:
        return
    by_item: dict[int, Outcome] = {}
    for record in messages:
        for outcome in record.outcomes:
            by_item.setdefault(outcome.item_id, outcome)
    reported: Collection[Outcome] = by_item.values()
    has_stored = any(outcome.state is ItemState.STORED for outcome in reported)
    lock = counters.lock_counters(tx) if has_stored else None
    if lock is not None:
        reported = deletions.reject_deleted(lock, reported, store=job.store)
    batch_ids = {record.batch_id for record in messages}
    pending = items.pending(tx, batch_ids=batch_ids)
    if job.state in _CANCELLED:
        late = _stored_after_cancel(tx, reported, batch_ids=batch_ids)
        # They no longer count as skipped: below, they count as stored.
        job, pending = replace(job, skipped=job.skipped - len(late)), pending | late
    outcomes = [
        _fail_last_try(outcome, pending[outcome.item_id].tries, policy)
        for outcome in reported
        if outcome.item_id in pending
    ]
    items.save_outcomes(tx, outcomes, listed=pending)
    stored = [outcome for outcome in outcomes if outcome.state is ItemState.STORED]
    if stored and lock is not None:
        of_stored = [pending[outcome.item_id] for outcome in stored]
        records.record_stored(lock, of_stored, source=job.source, store=job.store, now=utc_now())
    _return_batches(tx, messages, outcomes, pending=pending, policy=policy, now_ms=now_ms)
    job = replace(
        job,
        stored=job.stored + len(stored),
        skipped=job.skipped + sum(outcome.state is ItemState.SKIPPED for outcome in outcomes),
        failed=job.failed + sum(outcome.state is ItemState.FAILED for outcome in outcomes),
        bytes_stored=job.bytes_stored + sum(outcome.size_bytes or 0 for outcome in stored),
        bytes_transferred=job.bytes_transferred
        + sum(outcome.size_bytes or 0 for outcome in stored if outcome.transferred),
    )
    blocked = next((record for record in messages if record.blocked_reason), None)
    if job.state is JobState.CANCELLING:
        jobs.save(tx, cancel_step(tx, job))
    elif blocked is not None and blocked.blocked_reason is not None:
        jobs.set_waiting(
            tx, job, blocked.blocked_reason, blocked.blocked_detail, probe_at_ms=now_ms + policy.probe_interval_ms
        )
    else:
        jobs.save(tx, job)


def record_accepted(tx: Connection, *messages: Record, policy: LeasePolicy, now_ms: int) -> None:
    """Write outcomes like `record_outcomes`, but fail each file whose row the database refuses, and no other."""

    def write(some: Sequence[Outcome]) -> None:
        parts = [
            replace(each, outcomes=tuple(set(each.outcomes).intersection(some)), is_final=False) for each in messages
        ]
        record_outcomes(tx, *parts, policy=policy, now_ms=now_ms)

    refused = find_refused(tx, [outcome for each in messages for outcome in each.outcomes], write)
    failed = {
        outcome: Outcome(
            item_id=outcome.item_id,
            state=ItemState.FAILED,
            reason=Reason.INVALID_ENTRY,
            detail=f"The catalog can't hold what is known of it: {why}.",
        )
        for outcome, why in refused
    }
    accepted = [
        replace(each, outcomes=tuple(failed.get(outcome, outcome) for outcome in each.outcomes)) for each in messages
    ]
    record_outcomes(tx, *accepted, policy=policy, now_ms=now_ms)


_CANCELLED = (JobState.CANCELLING, JobState.CANCELLED)


def _stored_after_cancel(
    tx: Connection, reported: Collection[Outcome], *, batch_ids: Collection[int]
) -> dict[int, items.PendingItem]:
    """Return the items that were withdrawn when their job was cancelled, although a worker has stored them.

    They are recorded as stored: every object has its record.
    """
    stored = {outcome.item_id for outcome in reported if outcome.state is ItemState.STORED}
    withdrawn = items.withdrawn(tx, batch_ids=batch_ids) if stored else {}
    return {item_id: item for item_id, item in withdrawn.items() if item_id in stored}


def orphaned_batches(tx: Connection, *, store: str, limit: int) -> list[Transfer]:
    """Return batches that were in flight when their job was cancelled and then lost: their objects may exist."""
    of_cancelled = (jobs_table.c.store == store, jobs_table.c.state.in_(_CANCELLED))
    query = select(batches.c.id, jobs_table.c.id, jobs_table.c.source).join(jobs_table)
    found = tx.execute(query.where(*of_cancelled, batches.c.state == LedgerState.WITHDRAWN).limit(limit)).all()
    by_batch = items.withdrawn_transfer_items(tx, batch_ids=[batch_id for batch_id, _, _ in found])
    return [
        Transfer(job_id=job_id, source=source, batch_id=batch_id, items=tuple(by_batch[batch_id]), redelivered=True)
        for batch_id, job_id, source in found
    ]


def _return_batches(
    tx: Connection,
    records: Sequence[Record],
    outcomes: Sequence[Outcome],
    *,
    pending: Mapping[int, items.PendingItem],
    policy: LeasePolicy,
    now_ms: int,
) -> None:
    """Finish or requeue each batch that returned, and extend the lease of each that is still in progress.

    The suspects of a batch are isolated.
    """
    left = Counter(item.batch_id for item in pending.values())
    tries_max: dict[int, int] = {}  # of the items to retry, by batch
    progressed = {record.batch_id for record in records if record.is_final and not record.worker_lost}
    for outcome in outcomes:
        item = pending[outcome.item_id]
        if outcome.state is ItemState.PENDING:
            tries_max[item.batch_id] = max(item.tries + 1, tries_max.get(item.batch_id, 0))
        else:
            left[item.batch_id] -= 1
            progressed.add(item.batch_id)
    suspects = {item_id for record in records for item_id in record.suspects if item_id in pending}
    isolate(tx, job_id=records[0].job_id, item_ids=suspects, tries=1)
    left.subtract(pending[item_id].batch_id for item_id in suspects)
    returned = sorted({record.batch_id for record in records if record.is_final})
    alive = sorted({record.batch_id for record in records}.difference(returned))
    if returned:
        backoffs_ms = {batch_id: policy.backoff_ms(tries) for batch_id, tries in tries_max.items()}
        tx.execute(
            _RETURN,
            [
                {
                    "of_batch": batch_id,
                    "new_state": LedgerState.READY if left[batch_id] else LedgerState.DONE,
                    "new_files": left[batch_id],
                    "new_available_at_ms": now_ms + backoffs_ms.get(batch_id, 0),
                }
                for batch_id in returned
            ],
        )
    if alive:
        tx.execute(_RENEW_LEASES, {"batch_ids": alive, "new_lease_until_ms": now_ms + policy.lease_ms})
    if progressed:
        tx.execute(_RESET_TRIES, {"batch_ids": sorted(progressed)})


_IN_BATCHES = batches.c.id.in_(bindparam("batch_ids", expanding=True))
# Done, or ready again for the files that are left.
_RETURN = (
    update(batches)
    .where(batches.c.id == bindparam("of_batch"), batches.c.state != LedgerState.DONE)
    .values(
        state=bindparam("new_state"), files=bindparam("new_files"), available_at_ms=bindparam("new_available_at_ms")
    )
)
_RENEW_LEASES = (
    update(batches)
    .where(_IN_BATCHES, batches.c.state == LedgerState.IN_FLIGHT)
    .values(lease_until_ms=bindparam("new_lease_until_ms"))
)
_RESET_TRIES = update(batches).where(_IN_BATCHES).values(tries=1)


def _fail_last_try(outcome: Outcome, tries: int, policy: LeasePolicy) -> Outcome:
    if outcome.state is ItemState.PENDING and tries + 1 >= policy.item_tries_max:
        return replace(outcome, state=ItemState.FAILED)
    return outcome
