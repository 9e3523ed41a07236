"""The sweep: requeue work whose lease has expired, and let waiting jobs try again.

Work that is dispatched again and again without any outcome is dead-lettered.
"""

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, Table, select, update

from imageferry.catalog.database.tables import batches, job_folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger import bulk_steps, outcomes
from imageferry.catalog.ledger.batches import isolate
from imageferry.catalog.ledger.folders import page_failed
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.unserved import update_unserved
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

# A lease that ends later than this was written before the clock was set back: no lease or wait in a queue is so long.
# Not part of the lease policy: processes with different policies may share a catalog while the policy is changed.
FUTURE_MS_MAX = 7_200_000


def sweep(
    tx: Connection,
    *,
    store: str,
    policy: LeasePolicy,
    now_ms: int,
    queued_types: Collection[type[Message]] = (),
    unserved_types: Collection[type[Message]] = (),
) -> list[str]:
    """Requeue overdue work, resume jobs that waited long enough, and run a step of each large cancel or retry.

    Return the ids of the jobs of `store` to dispatch. `queued_types` are the types of messages that wait in a queue
    now: such a message may be late without being lost. `unserved_types` are those that no worker takes.
    """
    for table, message_type in ((batches, Transfer), (job_folders, Crawl)):
        overdue = _is_overdue(
            table.c.lease_until_ms, message_type, policy=policy, now_ms=now_ms, queued_types=queued_types
        )
        _requeue(tx, table, overdue)
        is_impossible = table.c.available_at_ms > now_ms + policy.backoff_ms_max
        tx.execute(update(table).where(table.c.state == LedgerState.READY, is_impossible).values(available_at_ms=0))
    _split_suspect_batches(tx, policy=policy)
    _dead_letter_batches(tx, policy=policy, now_ms=now_ms)
    _dead_letter_folders(tx, policy=policy, now_ms=now_ms)
    for job_id in jobs.due_for_probe(tx, now_ms=now_ms, probe_interval_ms=policy.probe_interval_ms):
        resume_waiting(tx, job_id)
    update_unserved(tx, store=store, unserved=unserved_types)
    unfinished = jobs.unfinished(tx)
    for job in unfinished:
        if job.state is JobState.CANCELLING or job.retry is not None:
            _run_step(tx, job.id)
    return [job.id for job in unfinished if job.store == store and job.state in jobs.ACTIVE]


def requeue_in_flight(tx: Connection, *, job_ids: Collection[str]) -> None:
    """Requeue everything that these jobs have in flight. Only for an engine that knows it is their only one."""
    for table in (batches, job_folders):
        _requeue(tx, table, table.c.job_id.in_(job_ids))


def resume_waiting(tx: Connection, job_id: str) -> Job | None:
    """Let a waiting job try again. Return the job, None if there is none."""
    job = jobs.get(tx, job_id, lock=True)
    if job is not None and job.state is JobState.WAITING:
        job = replace(job, state=JobState.RUNNING, reason=None, detail=None)
        jobs.save(tx, job)
    return job


def _run_step(tx: Connection, job_id: str) -> None:
    job = jobs.get_if_unlocked(tx, job_id)
    stepped = None if job is None else bulk_steps.run_step(tx, job)
    if stepped is not None and stepped != job:
        jobs.save(tx, stepped)


def _is_overdue(
    lease_until_ms: ColumnElement[int],
    message_type: type[Message],
    *,
    policy: LeasePolicy,
    now_ms: int,
    queued_types: Collection[type[Message]],
) -> ColumnElement[bool]:
    # While records wait to be written, heartbeats and outcomes may be among them.
    is_outcome_queued = message_type is Transfer and Record in queued_types
    has_expired = lease_until_ms <= now_ms - (policy.queue_wait_ms_max if is_outcome_queued else 0)
    is_impossible = lease_until_ms > now_ms + FUTURE_MS_MAX
    if message_type in queued_types or is_outcome_queued:
        return has_expired | is_impossible
    # No queue holds its message, and no worker has started it: the message was lost.
    was_never_started = (lease_until_ms > now_ms + policy.lease_ms) & (
        lease_until_ms <= now_ms + policy.queue_wait_ms_max - policy.lease_ms
    )
    return has_expired | is_impossible | was_never_started


def _requeue(tx: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    in_flight = table.c.state == LedgerState.IN_FLIGHT
    tx.execute(update(table).where(in_flight, condition).values(state=LedgerState.READY, available_at_ms=0))


def _split_suspect_batches(tx: Connection, *, policy: LeasePolicy) -> None:
    """Split each batch that is repeatedly lost into one per file: one of its files may crash the worker."""
    suspect = (batches.c.state == LedgerState.READY, batches.c.tries >= policy.split_after_tries, batches.c.files > 1)
    for batch in tx.execute(select(batches).where(*suspect)).all():
        jobs.get(tx, batch.job_id, lock=True)
        item_ids = items.pending(tx, batch_ids=[batch.id])
        tries = min(batch.tries, policy.tries_max - 1)
        isolate(tx, job_id=batch.job_id, item_ids=item_ids, tries=tries)
        tx.execute(update(batches).where(batches.c.id == batch.id).values(state=LedgerState.DONE, files=0))


def _dead_letter_batches(tx: Connection, *, policy: LeasePolicy, now_ms: int) -> None:
    detail = f"The worker was lost each of the {policy.tries_max} times it transferred this file."
    for batch in tx.execute(_exhausted(batches, policy)).all():
        failed = tuple(
            Outcome(item_id=item_id, state=ItemState.FAILED, reason=Reason.CRASHED_WORKER, detail=detail)
            for item_id in items.pending(tx, batch_ids=[batch.id])
        )
        record = Record(job_id=batch.job_id, batch_id=batch.id, outcomes=failed, is_final=True)
        outcomes.record_outcomes(tx, record, policy=policy, now_ms=now_ms)


def _dead_letter_folders(tx: Connection, *, policy: LeasePolicy, now_ms: int) -> None:
    for row in tx.execute(_exhausted(job_folders, policy)).all():
        folder = Folder(id=row.folder_id, name=row.name, resource_key=row.resource_key)
        crawl = Crawl(
            job_id=row.job_id,
            source="",
            job_folder_id=row.id,
            folder=folder,
            path=row.path,
            page_token=row.page_token,
        )
        named = f"the folder {row.name!r}" if row.name else "the folder"
        detail = f"The worker was lost each of the {policy.tries_max} times it listed {named}."
        error = PermanentError(Reason.CRASHED_WORKER, detail)
        page_failed(tx, crawl, error=error, policy=policy, now_ms=now_ms)


def _exhausted(table: Table, policy: LeasePolicy) -> Select[Any]:
    return select(table).where(table.c.state == LedgerState.READY, table.c.tries >= policy.tries_max)
