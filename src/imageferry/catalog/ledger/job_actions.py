"""Job actions: pause, resume, cancel, retry, reprioritise and remove a job, and delete the images of a discarded one.

Each action runs in one transaction that locks the job's row, and is idempotent. What would take too long for one
transaction is left to bulk_steps.py.
"""

from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, or_, select, true, update

from imageferry.catalog.database.tables import batches, images, items, job_folders
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import bulk_steps
from imageferry.catalog.ledger.bulk_steps import ROWS_PER_STEP, cancel_step
from imageferry.errors import ConflictError, NotFoundError, Reason
from imageferry.model import ItemState, Job, JobAction, JobState, LedgerState, PendingRetry

# A cancel skips up to this many pending files at once. The sweep skips those of a larger job, in steps.
IMMEDIATE_CANCEL_FILES_MAX = 1_000

DISCARDED_DETAIL = "The job was cancelled and its images were deleted."


def pause(tx: Connection, job_id: str) -> Job:
    """Dispatch nothing more of a job until it is resumed. Its folders in flight are ready again at once.

    Raise ConflictError if the job has finished. The other actions do so where the job's state does not allow them.
    """
    job = _lock(tx, job_id)
    if job.state is JobState.PAUSED:
        return job
    _require(job, JobAction.PAUSE)
    in_flight = (job_folders.c.job_id == job.id, job_folders.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(job_folders).where(*in_flight).values(state=LedgerState.READY, available_at_ms=0))
    return jobs.save(tx, replace(job, state=JobState.PAUSED, reason=None, detail=None))


def resume(tx: Connection, job_id: str) -> Job:
    """Continue a paused job, or let a waiting one try at once."""
    job = _lock(tx, job_id)
    if job.state in jobs.ACTIVE:
        return job
    _require(job, JobAction.RESUME)
    return jobs.save(tx, _running(job))


def cancel(tx: Connection, job_id: str, *, discard: bool = False) -> Job:
    """Cancel a job: skip its pending files and let those in flight finish. Then its state is CANCELLED.

    With `discard`, the images that it stored are deleted as well.
    """
    job = _lock(tx, job_id)
    was_cancelled = job.state in {JobState.CANCELLING, JobState.CANCELLED}
    if was_cancelled and (job.discard_requested or not discard):
        return job
    if not was_cancelled:
        _require(job, JobAction.CANCEL)
    job = replace(job, discard_requested=job.discard_requested or discard, retry=None)
    if job.state is JobState.CANCELLED and not job.stored:
        return jobs.save(tx, job)
    job = replace(job, state=JobState.CANCELLING, reason=None, detail=None, finished_at=None)
    # The caller waits for the response: the sweep runs the steps of a large job.
    is_large = job.discovered - job.processed > IMMEDIATE_CANCEL_FILES_MAX
    return jobs.save(tx, job if is_large else cancel_step(tx, job))


def retry(
    tx: Connection,
    job_id: str,
    *,
    reasons: Collection[Reason] | None = None,
    item_ids: Collection[int] | None = None,
) -> Job:
    """Retry what failed: everything, the items that failed for these reasons, or these items.

    A failed folder is listed again. A failed job starts from its root again. A cancelled job continues where it was.
    If no item matches, nothing changes. If many do, the sweep runs the remaining steps.
    """
    job = _lock(tx, job_id)
    if job.state is JobState.CANCELLING:
        _require(job, JobAction.RETRY)
    everything = reasons is None and item_ids is None
    from_root, continues = (everything and job.state is state for state in (JobState.FAILED, JobState.CANCELLED))
    if item_ids is None:
        request = PendingRetry(reasons=None if reasons is None else tuple(reasons), include_withdrawn=continues)
        retried = bulk_steps.retry_step(tx, job, request if job.retry is None else _merge(job.retry, request))
    else:
        retried = bulk_steps.retry_items(tx, job, item_ids=item_ids, reasons=reasons)
    if from_root:
        retried = _reset_root(tx, retried)
    if retried == job and not (from_root or continues):
        return job
    return jobs.save(tx, retried if job.state is JobState.PAUSED else _running(retried))


def set_priority(tx: Connection, job_id: str, *, priority: int) -> Job:
    """Set a job's priority. Jobs with a higher priority are dispatched first."""
    return jobs.save(tx, replace(_lock(tx, job_id), priority=priority))


def remove_step(tx: Connection, job_id: str) -> bool:
    """Remove a finished job from the history, or some of its items if it has many. Its images stay. Idempotent.

    Return whether the job is gone. Until then, its counts are those of the items that are left.
    """
    job = jobs.get(tx, job_id, lock=True)
    if job is None:
        return True
    if not job.state.is_terminal:
        message = f"The job is {job.state}. Cancel it or wait until it finishes, then remove it."
        raise ConflictError(Reason.CONFLICT, message)
    if job.discard_requested and job.stored:
        raise ConflictError(Reason.CONFLICT, "The job's images are still being deleted. Try again in a moment.")
    for table in (items, batches, job_folders):
        ids = bulk_steps.select_ids(tx, table, true(), job=job, at_most=ROWS_PER_STEP)
        if ids and table is items:
            jobs.save(tx, _subtract(tx, job, ids))
        if ids:
            tx.execute(delete(table).where(table.c.id.in_(ids)))
        if len(ids) == ROWS_PER_STEP:
            return False
    tx.execute(delete(jobs_table).where(jobs_table.c.id == job_id))
    event_log.job_removed(tx, job_id)
    return True


def jobs_to_stop(tx: Connection, *, store: str) -> list[str]:
    """Return the ids of a store's paused or cancelled jobs that still have work in flight."""
    in_flight = [
        select(table.c.id).where(table.c.job_id == jobs_table.c.id, table.c.state == LedgerState.IN_FLIGHT).exists()
        for table in (batches, job_folders)
    ]
    is_stopping = (jobs_table.c.store == store, jobs_table.c.state.in_((JobState.PAUSED, JobState.CANCELLING)))
    return list(tx.execute(select(jobs_table.c.id).where(*is_stopping, or_(*in_flight))).scalars())


def pending_discards(tx: Connection) -> list[str]:
    """Return the ids of the cancelled jobs whose images can be deleted now: they have nothing left in flight."""
    is_discarded = (jobs_table.c.discard_requested, jobs_table.c.stored > 0)
    is_cancelled = jobs_table.c.state.in_((JobState.CANCELLING, JobState.CANCELLED))
    has_ended = jobs_table.c.stored + jobs_table.c.skipped + jobs_table.c.failed == jobs_table.c.discovered
    query = select(jobs_table.c.id).where(is_cancelled, *is_discarded, has_ended).order_by(jobs_table.c.id)
    return list(tx.execute(query).scalars())


def mark_images_deleted(tx: Connection, job_id: str) -> bool:
    """Mark some items of a job whose images are deleted as skipped. Return whether none is left to mark.

    Also return True if the job has images again: the next discard deletes them.
    """
    job = jobs.get(tx, job_id, lock=True)
    if job is None or not job.discard_requested:
        return True
    if tx.execute(select(images.c.id).where(images.c.job_id == job_id).limit(1)).first() is not None:
        return True  # stored in the meantime
    stored = bulk_steps.select_ids(tx, items, items.c.state == ItemState.STORED, job=job, at_most=ROWS_PER_STEP)
    if stored:
        # Detached from its batch: a late outcome for the batch must not restore the record.
        deleted = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": DISCARDED_DETAIL, "batch_id": None}
        tx.execute(update(items).where(items.c.id.in_(stored)).values(deleted))
    job = replace(job, stored=job.stored - len(stored), skipped=job.skipped + len(stored))
    job = job if job.stored else replace(job, bytes_stored=0)
    jobs.save(tx, cancel_step(tx, job) if job.state is JobState.CANCELLING else job)
    return len(stored) < ROWS_PER_STEP


def _subtract(tx: Connection, job: Job, item_ids: Collection[int]) -> Job:
    """Return the job without these items in its counts."""
    query = select(items.c.state, items.c.reason, func.count()).where(items.c.id.in_(item_ids))
    counts = Counter[str]()
    for state, reason, count in tx.execute(query.group_by(items.c.state, items.c.reason)):
        counts[state] += count
        counts["unchanged"] += count if reason == Reason.UNCHANGED else 0
    return replace(
        job,
        discovered=job.discovered - len(item_ids),
        stored=job.stored - counts[ItemState.STORED],
        skipped=job.skipped - counts[ItemState.SKIPPED],
        unchanged=job.unchanged - counts["unchanged"],
        failed=job.failed - counts[ItemState.FAILED],
    )


def _lock(tx: Connection, job_id: str) -> Job:
    job = jobs.get(tx, job_id, lock=True)
    if job is None:
        raise NotFoundError(Reason.GONE, f"There is no job {job_id}.")
    return job


def _require(job: Job, action: JobAction) -> None:
    if action not in job.actions:
        raise ConflictError(Reason.CONFLICT, f"You can't {action} a job that is {job.state}.")


def _running(job: Job) -> Job:
    state = JobState.ACCEPTED if job.started_at is None else JobState.RUNNING
    return replace(job, state=state, reason=None, detail=None, discard_requested=False, finished_at=None)


def _merge(first: PendingRetry, second: PendingRetry) -> PendingRetry:
    """Combine two requests and start from the newest item: what failed again since the first is retried again."""
    reasons = None if first.reasons is None or second.reasons is None else tuple({*first.reasons, *second.reasons})
    return PendingRetry(reasons=reasons, include_withdrawn=first.include_withdrawn or second.include_withdrawn)


def _reset_root(tx: Connection, job: Job) -> Job:
    root = (job_folders.c.job_id == job.id, job_folders.c.folder_id == job.folder_id)
    reset = {"state": LedgerState.READY, "page_token": None, "tries": 0, "available_at_ms": 0}
    tx.execute(update(job_folders).where(*root).values(reset))
    return replace(job, open_folders=1)
