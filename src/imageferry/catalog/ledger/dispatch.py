"""Dispatch: mark ready batches and folders of a job as in flight, and requeue what could not be sent."""

from functools import cache

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, bindparam, false, func, select, true, update

from imageferry.catalog.database.tables import batches, job_folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import utc_now
from imageferry.model import Crawl, Folder, Job, JobState, LedgerState, Transfer


def dispatch(
    tx: Connection, job_id: str, *, policy: LeasePolicy, now_ms: int, wait_for_lock: bool = True
) -> list[Crawl | Transfer]:
    """Mark as much of a job as in flight as its credit allows. The caller sends the messages after the commit.

    Without `wait_for_lock`, a job whose row another transaction has locked is skipped.
    """
    job = jobs.get(tx, job_id, lock=True) if wait_for_lock else jobs.get_if_unlocked(tx, job_id)
    if job is None or job.state not in jobs.ACTIVE:
        return []
    transfers = _dispatch_batches(tx, job, policy=policy, now_ms=now_ms)
    crawls = _dispatch_folders(tx, job, policy=policy, now_ms=now_ms) if job.open_folders else []
    if job.state is JobState.ACCEPTED:
        jobs.save(tx, replace(job, state=JobState.RUNNING, started_at=utc_now()))
    return [*crawls, *transfers]


def requeue(tx: Connection, message: Crawl | Transfer) -> None:
    """Make the work of a message ready again that could not be sent. This does not count as a try."""
    table, row_id = (job_folders, message.job_folder_id) if isinstance(message, Crawl) else (batches, message.batch_id)
    in_flight = (table.c.id == row_id, table.c.state == LedgerState.IN_FLIGHT)
    tx.execute(
        update(table).where(*in_flight).values(state=LedgerState.READY, available_at_ms=0, tries=table.c.tries - 1)
    )


def _dispatch_folders(tx: Connection, job: Job, *, policy: LeasePolicy, now_ms: int) -> list[Crawl]:
    ids = _claim(tx, job_folders, job, in_flight_max=policy.folders_max(job.credit), policy=policy, now_ms=now_ms)
    if not ids:
        return []
    rows = tx.execute(select(job_folders).where(job_folders.c.id.in_(ids)).order_by(job_folders.c.id))
    return [
        Crawl(
            job_id=job.id,
            source=job.source,
            job_folder_id=row.id,
            folder=Folder(id=row.folder_id, name=row.name, resource_key=row.resource_key),
            path=row.path,
            page_token=row.page_token,
            page_number=row.page_number,
            checkpoint=row.checkpoint,
            is_root=row.folder_id == job.folder_id and row.path == "",
        )
        for row in rows
    ]


def _dispatch_batches(tx: Connection, job: Job, *, policy: LeasePolicy, now_ms: int) -> list[Transfer]:
    ids = _claim(tx, batches, job, in_flight_max=policy.batches_max(job.credit), policy=policy, now_ms=now_ms)
    if not ids:
        return []
    columns = (batches.c.id, batches.c.tries, batches.c.isolated)
    rows = {row.id: row for row in tx.execute(select(*columns).where(batches.c.id.in_(ids)))}
    return [
        Transfer(
            job_id=job.id,
            source=job.source,
            batch_id=batch_id,
            items=tuple(batch_items),
            redelivered=rows[batch_id].tries > 1,
            isolated=rows[batch_id].isolated,
        )
        for batch_id, batch_items in items.transfer_items(tx, batch_ids=ids).items()
    ]


def _claim(
    tx: Connection, table: Table, job: Job, *, in_flight_max: int, policy: LeasePolicy, now_ms: int
) -> list[int]:
    """Mark ready rows of a job as in flight, up to `in_flight_max` in all. Return their ids."""
    room = in_flight_max - tx.execute(_in_flight(table), {"of_job": job.id}).scalar_one()
    if room <= 0:
        return []
    parameters = {"now_ms": now_ms, "room": room, "tries_max": policy.tries_max}
    if table is batches:
        parameters["split_after_tries"] = policy.split_after_tries
    ids = list(tx.execute(_ready(table), {"of_job": job.id} | parameters).scalars())
    if table is batches and len(ids) < room:
        # Last, and one at a time: until the file that hangs its process is found, it must not hold up the others.
        ids += tx.execute(_next_isolated(), {"of_job": job.id} | parameters).scalars()
    if ids:
        dispatched = {
            "state": LedgerState.IN_FLIGHT,
            "lease_until_ms": now_ms + policy.queue_wait_ms_max,  # the first heartbeat starts its lease
            "tries": table.c.tries + 1,
        }
        tx.execute(update(table).where(table.c.id.in_(ids)).values(dispatched))
    return ids


@cache
def _in_flight(table: Table) -> Select[int]:
    of_job = table.c.job_id == bindparam("of_job")
    return select(func.count()).select_from(table).where(of_job, table.c.state == LedgerState.IN_FLIGHT)


@cache
def _ready(table: Table) -> Select[int]:
    query = select(table.c.id).where(_may_start(table)).order_by(table.c.id)
    if table is batches:
        may_be_split = (batches.c.files > 1) & (batches.c.tries >= bindparam("split_after_tries"))
        query = query.where(batches.c.isolated == false(), ~may_be_split)
    return query.limit(bindparam("room", type_=Integer))


@cache
def _next_isolated() -> Select[int]:
    other = batches.alias()
    in_flight = (other.c.job_id == bindparam("of_job"), other.c.state == LedgerState.IN_FLIGHT)
    is_turn = ~select(other.c.id).where(*in_flight, other.c.isolated == true()).exists()
    query = select(batches.c.id).where(_may_start(batches), batches.c.isolated == true(), is_turn)
    return query.order_by(batches.c.id).limit(1)


def _may_start(table: Table) -> ColumnElement[bool]:
    is_due = (table.c.state == LedgerState.READY) & (table.c.available_at_ms <= bindparam("now_ms"))
    # The sweep splits or dead-letters what never gets an outcome.
    return (table.c.job_id == bindparam("of_job")) & is_due & (table.c.tries < bindparam("tries_max"))
