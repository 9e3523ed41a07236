"""Fair-share scheduling: each running job gets a credit, the number of batches it may have in flight."""

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import Connection, Table, func, select, update

from imageferry.catalog.database.row_locks import for_update
from imageferry.catalog.database.tables import batches, job_folders, jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.model import CREDIT_MAX, LedgerState


def assign_credit(tx: Connection, *, job_ids: Collection[str], policy: LeasePolicy, now_ms: int) -> list[str]:
    """Set the credit of each of these jobs. Return the ids of the jobs with any credit.

    A job whose row another transaction has locked keeps its credit until the next call: waiting for many row locks
    could deadlock with a transaction that takes them in another order.
    """
    demands = _demands(tx, job_ids)
    allocate(demands, batches_in_flight_max=policy.batches_in_flight_max)
    changed = {job.job_id: job for job in demands if job.credit != job.previous_credit or job.starts_turn}
    for job_id in _lock_unlocked(tx, changed):
        values = {"credit": changed[job_id].credit} | (
            {"credited_at_ms": now_ms} if changed[job_id].starts_turn else {}
        )
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(values))
    return [job.job_id for job in demands if job.credit]


class JobDemand(Struct, kw_only=True):
    """How many batches one job could have in flight, and the credit it gets."""

    job_id: str
    priority: int
    credited_at_ms: int  # when its turn last started
    in_flight: int
    ready: int  # batches ready to dispatch
    is_listing: bool  # a page of a folder is in flight
    previous_credit: int
    credit: int = 0

    @property
    def demand(self) -> int:
        """How many batches it could have in flight. At least one: its listing may add batches."""
        return max(self.in_flight + self.ready, 1)

    @property
    def starts_turn(self) -> bool:
        """Whether it gets a turn now that it did not have."""
        return 0 < self.credit < CREDIT_MAX and not self.has_turn

    @property
    def has_turn(self) -> bool:
        """Whether work that it started in its turn is in flight."""
        return self.in_flight > 0 or (self.is_listing and self.previous_credit > 0)


def allocate(demands: Collection[JobDemand], *, batches_in_flight_max: int) -> None:
    """Set the credit of each job.

    A single job may use all batches in flight. Otherwise each job gets one batch, and the highest priority with any
    unmet demand gets the rest, in equal parts. If there are more jobs than batches in flight, they take turns with
    one batch each, higher priorities first. A job above its new credit keeps what it has in flight, but nothing more
    of it is dispatched until it is below its credit.
    """
    in_order = sorted(demands, key=lambda job: (-job.priority, job.credited_at_ms, job.job_id))
    if len(in_order) == 1:
        in_order[0].credit = CREDIT_MAX
    elif len(in_order) <= batches_in_flight_max:
        for job in in_order:
            job.credit = 1
        _distribute_surplus(in_order, surplus=batches_in_flight_max - len(in_order))
    else:
        waiting = []
        room = batches_in_flight_max
        for job in in_order:
            if job.has_turn:
                # The first batch that its listing adds starts at once. A batch in flight is not followed by another.
                job.credit = 0 if job.in_flight else 1
                room -= 1
            else:
                waiting.append(job)
        for job in waiting[: max(room, 0)]:
            job.credit = 1


def _distribute_surplus(in_order: list[JobDemand], *, surplus: int) -> None:
    for priority in sorted({job.priority for job in in_order}, reverse=True):
        unmet = [job for job in in_order if job.priority == priority and job.credit < job.demand]
        while surplus and unmet:
            for job in unmet[:surplus]:
                job.credit += 1
                surplus -= 1
            unmet = [job for job in unmet if job.credit < job.demand]


def _lock_unlocked(tx: Connection, job_ids: Collection[str]) -> list[str]:
    """Lock those of these jobs that no other transaction has locked. Return their ids."""
    if not job_ids:
        return []
    query = select(jobs.c.id).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.id)
    return list(tx.execute(for_update(query, jobs, skip_locked=True)).scalars())


def _demands(tx: Connection, job_ids: Collection[str]) -> list[JobDemand]:
    if not job_ids:
        return []
    columns = (jobs.c.id, jobs.c.priority, jobs.c.credited_at_ms, jobs.c.credit)
    query = select(*columns).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.created_at, jobs.c.id)
    batch_counts = _counts(tx, batches, job_ids) if len(job_ids) > 1 else {}
    folder_counts = _counts(tx, job_folders, job_ids) if len(job_ids) > 1 else {}
    return [
        JobDemand(
            job_id=row.id,
            priority=row.priority,
            credited_at_ms=row.credited_at_ms,
            in_flight=batch_counts.get((row.id, LedgerState.IN_FLIGHT), 0),
            ready=batch_counts.get((row.id, LedgerState.READY), 0),
            is_listing=(row.id, LedgerState.IN_FLIGHT) in folder_counts,
            previous_credit=row.credit,
        )
        for row in tx.execute(query)
    ]


def _counts(tx: Connection, table: Table, job_ids: Collection[str]) -> dict[tuple[str, str], int]:
    is_open = table.c.state.in_((LedgerState.READY, LedgerState.IN_FLIGHT))
    query = select(table.c.job_id, table.c.state, func.count()).where(table.c.job_id.in_(job_ids), is_open)
    rows = tx.execute(query.group_by(table.c.job_id, table.c.state))
    return {(job_id, state): count for job_id, state, count in rows}
