"""Bulk steps: cancels and retries of large jobs run in bounded steps, so that no transaction locks a job for long.

What is left to do is stored with the job. Each sweep runs the next step, in any process.
"""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, case, delete, or_, select, union_all, update

from imageferry.catalog.database.tables import batches, items, job_folders
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger.batches import rebatch
from imageferry.clock import utc_now
from imageferry.errors import Reason
from imageferry.model import FOLDER_MIME_TYPE, ItemState, Job, JobState, LedgerState, PendingRetry

# SQL Server allows 2,100 parameters per statement.
ROWS_PER_STEP = 2_000
BATCHES_PER_STEP = 50

WITHDRAWN_DETAIL = "Not imported: the job was cancelled."

_OPEN = (LedgerState.READY, LedgerState.IN_FLIGHT)


def run_step(tx: Connection, job: Job) -> Job:
    """Run the next step of a cancel or a retry. Return the changed job; the caller saves it."""
    if job.state is JobState.CANCELLING:
        return cancel_step(tx, job)
    if job.retry is not None and job.state in jobs.ACTIVE:
        return retry_step(tx, job, job.retry)
    return job


def has_pending(tx: Connection, *, store: str) -> bool:
    """Return whether a job of the store has a step that can run now."""
    is_ready = (batches.c.job_id == jobs_table.c.id, batches.c.state == LedgerState.READY)
    is_open = (job_folders.c.job_id == jobs_table.c.id, job_folders.c.state.in_(_OPEN))
    has_open = or_(select(batches.c.id).where(*is_ready).exists(), select(job_folders.c.id).where(*is_open).exists())
    is_cancelling = and_(jobs_table.c.state == JobState.CANCELLING, has_open)
    is_retrying = and_(jobs_table.c.state.in_(jobs.ACTIVE), jobs_table.c.retry.is_not(None))
    query = select(jobs_table.c.id).where(jobs_table.c.store == store, or_(is_cancelling, is_retrying))
    return tx.execute(query.limit(1)).first() is not None


def cancel_step(tx: Connection, job: Job) -> Job:
    """Skip some pending files and close some folders of a job that is being cancelled. Return the changed job.

    Its state becomes CANCELLED once nothing is open or in flight, and no image is left to delete.
    """
    ready = select_ids(tx, batches, batches.c.state == LedgerState.READY, job=job, at_most=BATCHES_PER_STEP)
    if ready:
        withdrawn = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": WITHDRAWN_DETAIL}
        pending = (items.c.batch_id.in_(ready), items.c.state == ItemState.PENDING)
        skipped = tx.execute(update(items).where(*pending).values(withdrawn)).rowcount
        tx.execute(update(batches).where(batches.c.id.in_(ready)).values(state=_STATE_WHEN_WITHDRAWN))
        job = replace(job, skipped=job.skipped + skipped)
    closed = _set_folders(tx, job, _OPEN, {"state": LedgerState.WITHDRAWN})
    if job.processed == job.discovered and closed < ROWS_PER_STEP and not (job.discard_requested and job.stored):
        job = replace(job, state=JobState.CANCELLED, finished_at=utc_now())
    return job


# If the batch was dispatched before, a lost worker may have stored some of its files.
_STATE_WHEN_WITHDRAWN = case((batches.c.tries > 0, LedgerState.WITHDRAWN.value), else_=LedgerState.DONE.value)


def retry_step(tx: Connection, job: Job, retry: PendingRetry) -> Job:
    """Retry some of the items that a request matches, from the newest to the oldest. Return the changed job.

    Each item is visited once, so an item that fails again in the meantime stays failed.
    """
    rows = tx.execute(_next_items(job, retry)).all()
    job, retried = _retry_rows(tx, job, rows, batches_max=BATCHES_PER_STEP)
    below_item_id = 0 if retried == len(rows) < ROWS_PER_STEP else rows[retried - 1].id
    reopened = 0
    if retry.include_withdrawn:
        reopen = {"state": LedgerState.READY, "tries": 0, "available_at_ms": 0}
        reopened = _set_folders(tx, job, (LedgerState.WITHDRAWN,), reopen)
    is_done = below_item_id == 0 and reopened < ROWS_PER_STEP
    return replace(job, retry=None if is_done else replace(retry, below_item_id=below_item_id))


def retry_items(
    tx: Connection, job: Job, *, item_ids: Collection[int], reasons: Collection[Reason] | None = None
) -> Job:
    """Retry those of these items that failed. Return the changed job; the caller saves it."""
    rows = tx.execute(_failed_items(job, reasons).where(items.c.id.in_(item_ids))).all()
    return _retry_rows(tx, job, rows, batches_max=len(rows))[0]


def select_ids(tx: Connection, table: Table, condition: ColumnElement[bool], *, job: Job, at_most: int) -> list[int]:
    """Return the ids of up to `at_most` rows of a job that meet a condition."""
    query = select(table.c.id).where(table.c.job_id == job.id, condition).limit(at_most)
    # In the order of the index: no step sorts the remaining rows or skips rows that earlier ones deleted.
    return list(tx.execute(query.order_by(table.c.state)).scalars())


def _set_folders(tx: Connection, job: Job, states: Collection[LedgerState], values: dict[str, Any]) -> int:
    """Change up to ROWS_PER_STEP folders of a job that have one of these states. Return their number."""
    ids = select_ids(tx, job_folders, job_folders.c.state.in_(states), job=job, at_most=ROWS_PER_STEP)
    if ids:
        tx.execute(update(job_folders).where(job_folders.c.id.in_(ids)).values(values))
    return len(ids)


def _next_items(job: Job, retry: PendingRetry) -> Select[Any]:
    """Select the next items of a retry, the newest first."""
    queries = [_failed_items(job, retry.reasons)]
    if retry.include_withdrawn:
        queries.append(_items(job, ItemState.SKIPPED).where(items.c.reason == Reason.CANCELLED))
    # Limit each query by itself, so that it reads its index in order.
    newest = [
        query.where(items.c.id < retry.below_item_id).order_by(items.c.id.desc()).limit(ROWS_PER_STEP).subquery()
        for query in queries
    ]
    either = union_all(*map(select, newest)).subquery()
    return select(either).order_by(either.c.id.desc()).limit(ROWS_PER_STEP)


def _failed_items(job: Job, reasons: Collection[Reason] | None) -> Select[Any]:
    """Select a job's failed items that can be retried: files, and folders that could not be listed."""
    query = _items(job, ItemState.FAILED).where(or_(items.c.object_key.is_not(None), _IS_FOLDER))
    return query if reasons is None else query.where(items.c.reason.in_(reasons))


def _items(job: Job, state: ItemState) -> Select[Any]:
    columns = (items.c.id, items.c.file_id, items.c.mime_type, items.c.size_bytes, items.c.state)
    return select(*columns).where(items.c.job_id == job.id, items.c.state == state)


_IS_FOLDER = items.c.mime_type == FOLDER_MIME_TYPE


def _retry_rows(tx: Connection, job: Job, rows: Sequence[Row[Any]], *, batches_max: int) -> tuple[Job, int]:
    """Make files pending in new batches, and folders ready to be listed. Return the job and how many rows fitted."""
    files = [row for row in rows if row.mime_type != FOLDER_MIME_TYPE]
    item_sizes = [(row.id, row.size_bytes) for row in files]
    batched = rebatch(tx, job_id=job.id, item_sizes=item_sizes, batches_max=batches_max)
    if batched < len(files):
        rows = rows[: rows.index(files[batched])]
    failed_folders = [row for row in rows if row.mime_type == FOLDER_MIME_TYPE]
    if failed_folders:
        # A folder that is listed again is no longer an item.
        tx.execute(delete(items).where(items.c.id.in_([row.id for row in failed_folders])))
        # Its fresh pages still count: once a page of the root was listed, the root no longer fails the job.
        counts = {"stale_pages": 0, "restarts": 0, "tries": 0, "available_at_ms": 0}
        reset = jobs.FIRST_PAGE | counts | {"state": LedgerState.READY}
        is_failed = job_folders.c.folder_id.in_([row.file_id for row in failed_folders])
        tx.execute(update(job_folders).where(job_folders.c.job_id == job.id, is_failed).values(reset))
    failed = sum(row.state == ItemState.FAILED for row in rows)
    job = replace(
        job,
        discovered=job.discovered - len(failed_folders),
        failed=job.failed - failed,
        skipped=job.skipped - (len(rows) - failed),
        open_folders=job.open_folders + len(failed_folders),
    )
    return job, len(rows)
