"""How much unfinished work the ledger holds."""

from collections.abc import Iterator

from msgspec import Struct
from sqlalchemy import Connection, Select, Table, func, select

from imageferry.catalog.database.tables import batches, job_folders, jobs
from imageferry.catalog.jobs.jobs import UNFINISHED
from imageferry.model import LedgerState


class Backlog(Struct, frozen=True, kw_only=True):
    """The amount of unfinished work of one kind and state, over all jobs."""

    kind: str  # jobs, folders or batches
    state: str  # a JobState for jobs, else a LedgerState
    count: int


def backlog(tx: Connection) -> Iterator[Backlog]:
    """Yield the number of unfinished jobs by state, and of their folders and batches that are ready or in flight."""
    by_state = select(jobs.c.state, func.count()).where(jobs.c.state.in_(UNFINISHED)).group_by(jobs.c.state)
    for kind, query in (("jobs", by_state), ("folders", _open(job_folders)), ("batches", _open(batches))):
        for state, count in tx.execute(query):
            yield Backlog(kind=kind, state=state, count=count)


def _open(table: Table) -> Select[tuple[str, int]]:
    unfinished = select(jobs.c.id).where(jobs.c.state.in_(UNFINISHED))
    not_done = table.c.state.in_([LedgerState.READY, LedgerState.IN_FLIGHT])
    return select(table.c.state, func.count()).where(table.c.job_id.in_(unfinished), not_done).group_by(table.c.state)
