"""The moves that people ask for: pause, resume, cancel, retry and remove a job, and what a discarded one still owes.

Each is one transaction's work that holds the job's row, and asking again changes nothing more. What a large job has
too much of for that is left to steps.py.
"""

from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, or_, select, true, update

from imageferry.catalog.database.tables import batches, folders, images, items
from imageferry.catalog.database.tables import jobs as jobs_table
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import bulk_steps
from imageferry.catalog.ledger.bulk_steps import ROWS_A_STEP, wind_up
from imageferry.errors import ConflictError, NotFoundError, Reason
from imageferry.model import Action, ItemState, Job, JobState, LedgerState, Retry

# So many files that wait are skipped at once, by a cancel.
SKIPPED_AT_ONCE_MAX = 1_000

REMOVED = "The job was cancelled, and what it had stored was removed."


def pause(tx: Connection, job_id: str) -> Job:
    """Let a job rest until it is resumed: nothing more is given out, and its listings are ready again at once.

    Raises ConflictError for a job that is at its end, as the other moves do where they make no sense.
    """
    job = _held(tx, job_id)
    if job.state is JobState.PAUSED:
        return job
    _allow(job, Action.PAUSE)
    in_flight = (folders.c.job_id == job.id, folders.c.state == LedgerState.IN_FLIGHT)
    tx.execute(update(folders).where(*in_flight).values(state=LedgerState.READY, due_ms=0))
    return jobs.save(tx, replace(job, state=JobState.PAUSED, reason=None, detail=None))


def resume(tx: Connection, job_id: str) -> Job:
    """Let a job that was paused go on, or one that waits try at once."""
    job = _held(tx, job_id)
    if job.state in jobs.ACTIVE:
        return job
    _allow(job, Action.RESUME)
    return jobs.save(tx, _under_way(job))


def cancel(tx: Connection, job_id: str, *, discard: bool = False) -> Job:
    """End a job: what waits is skipped, what is under way comes to its end, and then it is cancelled.

    With `discard`, what it stored is to be removed as well.
    """
    job = _held(tx, job_id)
    is_over = job.state in {JobState.CANCELLING, JobState.CANCELLED}
    if is_over and (job.discarding or not discard):
        return job
    if not is_over:
        _allow(job, Action.CANCEL)
    job = replace(job, discarding=job.discarding or discard, retry=None)
    if job.state is JobState.CANCELLED and not job.stored:
        return jobs.save(tx, job)
    job = replace(job, state=JobState.CANCELLING, reason=None, detail=None, finished_at=None)
    # Whoever asks waits for the answer; the sweep takes the steps of a large job.
    is_large = job.discovered - job.processed > SKIPPED_AT_ONCE_MAX
    return jobs.save(tx, job if is_large else wind_up(tx, job))


def retry(
    tx: Connection,
    job_id: str,
    *,
    reasons: Collection[Reason] | None = None,
    item_ids: Collection[int] | None = None,
) -> Job:
    """Try again what failed: all of it, what failed for these reasons, or these items.

    A folder that was lost is listed again; a job that failed begins with its root again; one that was cancelled goes
    on where it was. Where nothing fits, nothing changes. Where much does, the sweep goes on with it.
    """
    job = _held(tx, job_id)
    if job.state is JobState.CANCELLING:
        _allow(job, Action.RETRY)
    everything = reasons is None and item_ids is None
    begins_again, goes_on = (everything and job.state is state for state in (JobState.FAILED, JobState.CANCELLED))
    if item_ids is None:
        asked = Retry(reasons=None if reasons is None else tuple(reasons), withdrawn=goes_on)
        tried = bulk_steps.try_again(tx, job, asked if job.retry is None else _both(job.retry, asked))
    else:
        tried = bulk_steps.try_these_again(tx, job, item_ids=item_ids, reasons=reasons)
    if begins_again:
        tried = _begin_again(tx, tried)
    if tried == job and not (begins_again or goes_on):
        return job
    return jobs.save(tx, tried if job.state is JobState.PAUSED else _under_way(tried))


def prioritise(tx: Connection, job_id: str, *, priority: int) -> Job:
    """Serve a job before those of a lower priority."""
    return jobs.save(tx, replace(_held(tx, job_id), priority=priority))


def remove(tx: Connection, job_id: str) -> bool:
    """A step of removing a job that is at its end from the history, with its items; its images stay. Idempotent.

    True once it is gone; until then its counts are those of the items that are left.
    """
    job = jobs.get(tx, job_id, lock=True)
    if job is None:
        return True
    if not job.state.terminal:
        message = f"The job is {job.state}: cancel it first, or wait for its end; then it can be removed."
        raise ConflictError(Reason.CONFLICT, message)
    if job.discarding and job.stored:
        raise ConflictError(Reason.CONFLICT, "What the job stored is still being removed: try again in a moment.")
    for table in (items, batches, folders):
        ids = bulk_steps.some(tx, table, true(), job=job, at_most=ROWS_A_STEP)
        if ids and table is items:
            jobs.save(tx, _without(tx, job, ids))
        if ids:
            tx.execute(delete(table).where(table.c.id.in_(ids)))
        if len(ids) == ROWS_A_STEP:
            return False
    tx.execute(delete(jobs_table).where(jobs_table.c.id == job_id))
    event_log.job_removed(tx, job_id)
    return True


def halted(tx: Connection, *, store: str) -> list[str]:
    """The ids of the jobs of a store that are to have nothing under way, and have."""
    in_flight = [
        select(table.c.id).where(table.c.job_id == jobs_table.c.id, table.c.state == LedgerState.IN_FLIGHT).exists()
        for table in (batches, folders)
    ]
    asked = (jobs_table.c.store == store, jobs_table.c.state.in_((JobState.PAUSED, JobState.CANCELLING)))
    return list(tx.execute(select(jobs_table.c.id).where(*asked, or_(*in_flight))).scalars())


def to_discard(tx: Connection) -> list[str]:
    """The ids of the jobs whose images are to be removed now: nothing of them is under way any more."""
    asked = (jobs_table.c.discarding, jobs_table.c.stored > 0)
    over = jobs_table.c.state.in_((JobState.CANCELLING, JobState.CANCELLED))
    done = jobs_table.c.stored + jobs_table.c.skipped + jobs_table.c.failed == jobs_table.c.discovered
    return list(tx.execute(select(jobs_table.c.id).where(over, *asked, done).order_by(jobs_table.c.id)).scalars())


def discarded(tx: Connection, job_id: str) -> bool:
    """Write that a job's images are removed, a step at a time; True once there is nothing left to do or to remove."""
    job = jobs.get(tx, job_id, lock=True)
    if job is None or not job.discarding:
        return True
    if tx.execute(select(images.c.id).where(images.c.job_id == job_id).limit(1)).first() is not None:
        return True  # stored meanwhile: they are removed the next time
    stored = bulk_steps.some(tx, items, items.c.state == ItemState.STORED, job=job, at_most=ROWS_A_STEP)
    if stored:
        # Without its batch: what is told of the batch later must not bring the record back.
        gone = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": REMOVED, "batch_id": None}
        tx.execute(update(items).where(items.c.id.in_(stored)).values(gone))
    job = replace(job, stored=job.stored - len(stored), skipped=job.skipped + len(stored))
    job = job if job.stored else replace(job, bytes_stored=0)
    jobs.save(tx, wind_up(tx, job) if job.state is JobState.CANCELLING else job)
    return len(stored) < ROWS_A_STEP


def _without(tx: Connection, job: Job, item_ids: Collection[int]) -> Job:
    """A job that has had these items."""
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


def _held(tx: Connection, job_id: str) -> Job:
    job = jobs.get(tx, job_id, lock=True)
    if job is None:
        raise NotFoundError(Reason.GONE, f"There is no job {job_id}.")
    return job


def _allow(job: Job, action: Action) -> None:
    if action not in job.actions:
        raise ConflictError(Reason.CONFLICT, f"The job is {job.state}, so it is not possible to {action} it.")


def _under_way(job: Job) -> Job:
    begun = JobState.ACCEPTED if job.started_at is None else JobState.RUNNING
    return replace(job, state=begun, reason=None, detail=None, discarding=False, finished_at=None)


def _both(one: Retry, other: Retry) -> Retry:
    """What two requests ask for, from the beginning: what failed again since the first is asked for again."""
    reasons = None if one.reasons is None or other.reasons is None else tuple({*one.reasons, *other.reasons})
    return Retry(reasons=reasons, withdrawn=one.withdrawn or other.withdrawn)


def _begin_again(tx: Connection, job: Job) -> Job:
    root = (folders.c.job_id == job.id, folders.c.folder_id == job.folder_id)
    again = {"state": LedgerState.READY, "page_token": None, "tries": 0, "due_ms": 0}
    tx.execute(update(folders).where(*root).values(again))
    return replace(job, open_folders=1)
