"""How the jobs that are under way share the window: each has its credit, the batches it may have in flight."""

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import Connection, Table, func, select, update

from imageferry.catalog.database.row_locks import holding
from imageferry.catalog.database.tables import batches, folders, jobs
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.model import CREDIT_MAX, LedgerState


def share_out(tx: Connection, *, job_ids: Collection[str], terms: LeasePolicy, now_ms: int) -> list[str]:
    """Give each of these jobs its credit, and answer those that have any; nothing is written where it has it.

    A job that somebody else holds has the credit it had until the next time: to wait for many rows could block others
    who do so in another order.
    """
    claims = _claims(tx, job_ids)
    allot(claims, window=terms.batches_in_flight_max)
    news = {claim.job_id: claim for claim in claims if claim.credit != claim.had or claim.begins}
    for job_id in _free(tx, news):
        values = {"credit": news[job_id].credit} | ({"served_ms": now_ms} if news[job_id].begins else {})
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(values))
    return [claim.job_id for claim in claims if claim.credit]


class Claim(Struct, kw_only=True):
    """What one job could use of the window, and what it gets."""

    job_id: str
    priority: int
    served_ms: int  # when it was given credit to begin with
    in_flight: int
    ready: int  # batches that wait
    listing: bool  # a page of it is under way
    had: int
    credit: int = 0

    @property
    def wants(self) -> int:
        """How many batches it could have in flight; one at least, for those that its listing may bring."""
        return max(self.in_flight + self.ready, 1)

    @property
    def begins(self) -> bool:
        """True: it is its turn now."""
        return 0 < self.credit < CREDIT_MAX and not self.holds_turn

    @property
    def holds_turn(self) -> bool:
        """True: something that it began in its turn is under way."""
        return self.in_flight > 0 or (self.listing and self.had > 0)


def allot(claims: Collection[Claim], *, window: int) -> None:
    """Give each claim its credit.

    A job that is alone may fill the window. Else each has one batch, and what the window holds beyond that goes to
    the highest priority that can use it, in equal parts. Where there are more jobs than that, they take turns, a batch
    each, those of a higher priority first. A job that has to share from now on keeps what it has in flight, but is
    given no more until it is down to its credit.
    """
    by_turn = sorted(claims, key=lambda claim: (-claim.priority, claim.served_ms, claim.job_id))
    if len(by_turn) == 1:
        by_turn[0].credit = CREDIT_MAX
    elif len(by_turn) <= window:
        for claim in by_turn:
            claim.credit = 1
        _share_surplus(by_turn, surplus=window - len(by_turn))
    else:
        waiting = []
        room = window
        for claim in by_turn:
            if claim.holds_turn:
                # What its listing brings begins at once; what it has in flight is not followed by more.
                claim.credit = 0 if claim.in_flight else 1
                room -= 1
            else:
                waiting.append(claim)
        for claim in waiting[: max(room, 0)]:
            claim.credit = 1


def _share_surplus(by_turn: list[Claim], *, surplus: int) -> None:
    for priority in sorted({claim.priority for claim in by_turn}, reverse=True):
        hungry = [claim for claim in by_turn if claim.priority == priority and claim.credit < claim.wants]
        while surplus and hungry:
            for claim in hungry[:surplus]:
                claim.credit += 1
                surplus -= 1
            hungry = [claim for claim in hungry if claim.credit < claim.wants]


def _free(tx: Connection, job_ids: Collection[str]) -> list[str]:
    """Those of these jobs that nobody else holds; they are held from now on."""
    if not job_ids:
        return []
    query = select(jobs.c.id).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.id)
    return list(tx.execute(holding(query, jobs, skip_held=True)).scalars())


def _claims(tx: Connection, job_ids: Collection[str]) -> list[Claim]:
    if not job_ids:
        return []
    columns = (jobs.c.id, jobs.c.priority, jobs.c.served_ms, jobs.c.credit)
    query = select(*columns).where(jobs.c.id.in_(job_ids)).order_by(jobs.c.created_at, jobs.c.id)
    under_way = _counts(tx, batches, job_ids) if len(job_ids) > 1 else {}
    listed = _counts(tx, folders, job_ids) if len(job_ids) > 1 else {}
    return [
        Claim(
            job_id=row.id,
            priority=row.priority,
            served_ms=row.served_ms,
            in_flight=under_way.get((row.id, LedgerState.IN_FLIGHT), 0),
            ready=under_way.get((row.id, LedgerState.READY), 0),
            listing=(row.id, LedgerState.IN_FLIGHT) in listed,
            had=row.credit,
        )
        for row in tx.execute(query)
    ]


def _counts(tx: Connection, table: Table, job_ids: Collection[str]) -> dict[tuple[str, str], int]:
    is_open = table.c.state.in_((LedgerState.READY, LedgerState.IN_FLIGHT))
    query = select(table.c.job_id, table.c.state, func.count()).where(table.c.job_id.in_(job_ids), is_open)
    counted = tx.execute(query.group_by(table.c.job_id, table.c.state))
    return {(job_id, state): count for job_id, state, count in counted}
