"""Dispatch: mark ready batches and folders of a job as in flight, and requeue what could not be sent."""

from functools import cache

from msgspec.structs import replace
from sqlalchemy import Connection, Integer, Select, Table, bindparam, func, select, update

from imageferry.catalog.database.tables import batches, folders
from imageferry.catalog.jobs import items, jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import utc_now
from imageferry.model import (
    Crawl,
    Folder,
    Job,
    JobState,
    LedgerState,
    Transfer,
)


def dispatch(
    tx: Connection, job_id: str, *, terms: LeasePolicy, now_ms: int, waits: bool = True
) -> list[Crawl | Transfer]:
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


def give_back(tx: Connection, message: Crawl | Transfer) -> None:
    """Write that a message could not be sent: its work is ready again."""
    table, row_id = (folders, message.crawl_id) if isinstance(message, Crawl) else (batches, message.batch_id)
    in_flight = (table.c.id == row_id, table.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(table).where(*in_flight).values(state=LedgerState.READY, due_ms=0, tries=table.c.tries - 1))


def _crawls(tx: Connection, job: Job, *, terms: LeasePolicy, now_ms: int) -> list[Crawl]:
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


def _transfers(tx: Connection, job: Job, *, terms: LeasePolicy, now_ms: int) -> list[Transfer]:
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


def _give_out(tx: Connection, table: Table, job: Job, *, at_most: int, terms: LeasePolicy, now_ms: int) -> list[int]:
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
