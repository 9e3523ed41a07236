"""Steps: what cancels and retries of large jobs leave to be done, bit by bit, so that nobody waits long for a row.

What is left stands with the job: whoever sweeps next takes the next step, in whatever process.
"""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, case, delete, or_, select, union_all, update

from imageferry.catalog.database.tables import batches, folders, items
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger.batches import repack
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import FOLDER_MIME_TYPE, ItemState, Job, JobState, LedgerState, Retry

# SQL Server takes 2,100 values a statement.
ROWS_A_STEP = 2_000
BATCHES_A_STEP = 50

WITHDRAWN = "The job was cancelled before this file's turn came."

_OPEN = (LedgerState.READY, LedgerState.IN_FLIGHT)


def step(tx: Connection, job: Job) -> Job:
    """The next step of a job that is cancelled or tried again; the job as it is then, to be saved."""
    if job.state is JobState.CANCELLING:
        return wind_up(tx, job)
    if job.retry is not None and job.state in jobs.ACTIVE:
        return try_again(tx, job, job.retry)
    return job


def are_left(tx: Connection, *, store: str) -> bool:
    """True: a job of a store has a step before it that can be taken at once."""
    is_ready = (batches.c.job_id == jobs_table.c.id, batches.c.state == LedgerState.READY)
    is_open = (folders.c.job_id == jobs_table.c.id, folders.c.state.in_(_OPEN))
    goes_on = or_(select(batches.c.id).where(*is_ready).exists(), select(folders.c.id).where(*is_open).exists())
    cancelled = and_(jobs_table.c.state == JobState.CANCELLING, goes_on)
    tried_again = and_(jobs_table.c.state.in_(jobs.ACTIVE), jobs_table.c.retry.is_not(None))
    query = select(jobs_table.c.id).where(jobs_table.c.store == store, or_(cancelled, tried_again))
    return tx.execute(query.limit(1)).first() is not None


def wind_up(tx: Connection, job: Job) -> Job:
    """A step towards the end of a job that is being cancelled: some of what waits is skipped, and folders closed.

    It is cancelled once nothing of it is open or under way, and nothing is left to be removed.
    """
    ready = some(tx, batches, batches.c.state == LedgerState.READY, job=job, at_most=BATCHES_A_STEP)
    if ready:
        withdrawn = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": WITHDRAWN}
        pending = (items.c.batch_id.in_(ready), items.c.state == ItemState.PENDING)
        skipped = tx.execute(update(items).where(*pending).values(withdrawn)).rowcount
        tx.execute(update(batches).where(batches.c.id.in_(ready)).values(state=_WITHDRAWN))
        job = replace(job, skipped=job.skipped + skipped)
    are_open = _set_folders(tx, job, _OPEN, {"state": LedgerState.WITHDRAWN})
    if job.processed == job.discovered and are_open < ROWS_A_STEP and not (job.discarding and job.stored):
        job = replace(job, state=JobState.CANCELLED, finished_at=utc_now())
    return job


# Of what was given out before, a lost process may have brought a part.
_WITHDRAWN = case((batches.c.tries > 0, LedgerState.WITHDRAWN.value), else_=LedgerState.DONE.value)


def try_again(tx: Connection, job: Job, retry: Retry) -> Job:
    """A step of a retry, from the newest items to the oldest: some of what it asks for is to be transferred again.

    Each item is looked at once, so that what fails again meanwhile stays so.
    """
    found = tx.execute(_asked_for(job, retry)).all()
    job, tried = _again(tx, job, found, batches_max=BATCHES_A_STEP)
    below = 0 if tried == len(found) < ROWS_A_STEP else found[tried - 1].id
    reopened = 0
    if retry.withdrawn:
        again = {"state": LedgerState.READY, "tries": 0, "due_ms": 0}
        reopened = _set_folders(tx, job, (LedgerState.WITHDRAWN,), again)
    is_done = below == 0 and reopened < ROWS_A_STEP
    return replace(job, retry=None if is_done else replace(retry, below=below))


def try_these_again(
    tx: Connection, job: Job, *, item_ids: Collection[int], reasons: Collection[Reason] | None = None
) -> Job:
    """Let these items, as far as they failed, be transferred again; the job as it is then, to be saved."""
    found = tx.execute(_failed(job, reasons).where(items.c.id.in_(item_ids))).all()
    return _again(tx, job, found, batches_max=len(found))[0]


def some(tx: Connection, table: Table, which: ColumnElement[bool], *, job: Job, at_most: int) -> list[int]:
    """The ids of some of a job's rows that fit."""
    query = select(table.c.id).where(table.c.job_id == job.id, which).limit(at_most)
    # As the index has them: no step sorts what is left, or passes over what others have removed.
    return list(tx.execute(query.order_by(table.c.state)).scalars())


def _set_folders(tx: Connection, job: Job, states: Collection[LedgerState], values: dict[str, Any]) -> int:
    """Change some of a job's folders of these states; their number."""
    ids = some(tx, folders, folders.c.state.in_(states), job=job, at_most=ROWS_A_STEP)
    if ids:
        tx.execute(update(folders).where(folders.c.id.in_(ids)).values(values))
    return len(ids)


def _asked_for(job: Job, retry: Retry) -> Select[Any]:
    """The next items of a retry, the newest first."""
    kinds = [_failed(job, retry.reasons)]
    if retry.withdrawn:
        kinds.append(_items(job, ItemState.SKIPPED).where(items.c.reason == Reason.CANCELLED))
    # One by one, each in the order of the index.
    firsts = [
        kind.where(items.c.id < retry.below).order_by(items.c.id.desc()).limit(ROWS_A_STEP).subquery() for kind in kinds
    ]
    either = union_all(*map(select, firsts)).subquery()
    return select(either).order_by(either.c.id.desc()).limit(ROWS_A_STEP)


def _failed(job: Job, reasons: Collection[Reason] | None) -> Select[Any]:
    """A job's items that failed and can be tried again: files, and folders that were lost."""
    query = _items(job, ItemState.FAILED).where(or_(items.c.object_key.is_not(None), _IS_FOLDER))
    return query if reasons is None else query.where(items.c.reason.in_(reasons))


def _items(job: Job, state: ItemState) -> Select[Any]:
    columns = (items.c.id, items.c.file_id, items.c.mime_type, items.c.size_bytes, items.c.state)
    return select(*columns).where(items.c.job_id == job.id, items.c.state == state)


_IS_FOLDER = items.c.mime_type == FOLDER_MIME_TYPE


def _again(tx: Connection, job: Job, found: Sequence[Row[Any]], *, batches_max: int) -> tuple[Job, int]:
    """Let items be pending in new batches, and lost folders be listed again; the job then, and how many of them."""
    files = [row for row in found if row.mime_type != FOLDER_MIME_TYPE]
    packed = repack(tx, job_id=job.id, item_sizes=[(row.id, row.size_bytes) for row in files], batches_max=batches_max)
    if packed < len(files):
        found = found[: found.index(files[packed])]
    lost = [row for row in found if row.mime_type == FOLDER_MIME_TYPE]
    if lost:
        # A folder that is to be listed again is no item any more.
        tx.execute(delete(items).where(items.c.id.in_([row.id for row in lost])))
        # What its pages brought stays counted: a root of which something is known never fails its job.
        anew = {"state": LedgerState.READY, "page_token": None, "stale_pages": 0, "tries": 0, "due_ms": 0}
        theirs = (folders.c.job_id == job.id, folders.c.folder_id.in_([row.file_id for row in lost]))
        tx.execute(update(folders).where(*theirs).values(anew))
    failed = sum(row.state == ItemState.FAILED for row in found)
    job = replace(
        job,
        discovered=job.discovered - len(lost),
        failed=job.failed - failed,
        skipped=job.skipped - (len(found) - failed),
        open_folders=job.open_folders + len(lost),
    )
    return job, len(found)
