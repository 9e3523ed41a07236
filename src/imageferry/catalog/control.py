"""The moves that people ask for: pause, resume, cancel, retry and remove a job, and what a cancelled one still owes.

Each is one transaction's work that holds the job's row, and asking again changes nothing more.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, true, update

from imageferry.catalog import events, jobs
from imageferry.catalog.batching import repack
from imageferry.catalog.tables import batches, folders, images, items
from imageferry.catalog.tables import jobs as jobs_table
from imageferry.clock import utc_now
from imageferry.errors import ConflictError, NotFoundError, Reason
from imageferry.model import FOLDER_MIME_TYPE, Action, ItemState, Job, JobState, LedgerState

# A cancelled job of a million files is wound up in steps, so that nobody waits long for its row.
BATCHES_A_STEP = 50
FOLDERS_A_STEP = 5_000
ITEMS_A_STEP = 5_000
STEP_AT_ONCE_MAX = 1_000
# So many files that failed here and there are put into batches of their own; where there are more, their batches are
# full of them.
REPACKED_MAX = 5_000

WITHDRAWN = "The job was cancelled before this file's turn came."
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
    job = replace(job, discarding=job.discarding or discard)
    if job.state is JobState.CANCELLED and not job.stored:
        return jobs.save(tx, job)
    job = replace(job, state=JobState.CANCELLING, reason=None, detail=None, finished_at=None)
    # Whoever asks waits for the answer; the sweep takes the steps of a large job.
    is_large = job.discovered - job.processed > STEP_AT_ONCE_MAX
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
    on where it was. Where nothing fits, nothing changes.
    """
    job = _held(tx, job_id)
    if job.state is JobState.CANCELLING:
        _allow(job, Action.RETRY)
    which = _which(job, reasons=reasons, item_ids=item_ids)
    reopened = _list_lost_folders_again(tx, which)
    # A folder that is to be listed again is no item any more.
    job = replace(
        job,
        discovered=job.discovered - reopened,
        failed=job.failed - reopened,
        open_folders=job.open_folders + reopened,
    )
    again = _transfer_again(tx, job, which)
    job = replace(job, failed=job.failed - again)
    goes_on = reopened + again > 0
    everything = reasons is None and item_ids is None
    if everything and job.state is JobState.FAILED:
        job, goes_on = _begin_again(tx, job), True
    if everything and job.state is JobState.CANCELLED:
        job, goes_on = _go_on(tx, job), True
    if not goes_on:
        return job
    return jobs.save(tx, job if job.state is JobState.PAUSED else _under_way(job))


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
        some = _some(tx, table, true(), job=job, at_most=ITEMS_A_STEP)
        if some and table is items:
            jobs.save(tx, _without(tx, job, some))
        if some:
            tx.execute(delete(table).where(table.c.id.in_(some)))
        if len(some) == ITEMS_A_STEP:
            return False
    tx.execute(delete(jobs_table).where(jobs_table.c.id == job_id))
    events.job_removed(tx, job_id)
    return True


def wind_up(tx: Connection, job: Job) -> Job:
    """A step towards the end of a job that is being cancelled: some of what waits is skipped, and folders closed.

    The job as it is then, to be saved: cancelled, once nothing of it is open or under way, and nothing is left to be
    removed.
    """
    ready = _some(tx, batches, batches.c.state == LedgerState.READY, job=job, at_most=BATCHES_A_STEP)
    if ready:
        withdrawn = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": WITHDRAWN}
        pending = (items.c.batch_id.in_(ready), items.c.state == ItemState.PENDING)
        skipped = tx.execute(update(items).where(*pending).values(withdrawn)).rowcount
        tx.execute(update(batches).where(batches.c.id.in_(ready)).values(state=LedgerState.DONE))
        job = replace(job, skipped=job.skipped + skipped)
    is_open = folders.c.state.in_((LedgerState.READY, LedgerState.IN_FLIGHT))
    open_ids = _some(tx, folders, is_open, job=job, at_most=FOLDERS_A_STEP)
    if open_ids:
        tx.execute(update(folders).where(folders.c.id.in_(open_ids)).values(state=LedgerState.CLOSED))
    if job.processed == job.discovered and len(open_ids) < FOLDERS_A_STEP and not (job.discarding and job.stored):
        job = replace(job, state=JobState.CANCELLED, finished_at=utc_now())
    return job


def winds_up(tx: Connection, *, store: str) -> bool:
    """True: a job of a store is being cancelled, and the next step can be made at once."""
    query = select(jobs_table.c.id).where(jobs_table.c.store == store, jobs_table.c.state == JobState.CANCELLING)
    is_ready = (batches.c.job_id == jobs_table.c.id, batches.c.state == LedgerState.READY)
    return tx.execute(query.where(select(batches.c.id).where(*is_ready).exists()).limit(1)).first() is not None


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
    stored = _some(tx, items, items.c.state == ItemState.STORED, job=job, at_most=ITEMS_A_STEP)
    if stored:
        # Without its batch: what is told of the batch later must not bring the record back.
        gone = {"state": ItemState.SKIPPED, "reason": Reason.CANCELLED, "detail": REMOVED, "batch_id": None}
        tx.execute(update(items).where(items.c.id.in_(stored)).values(gone))
    job = replace(job, stored=job.stored - len(stored), skipped=job.skipped + len(stored))
    job = job if job.stored else replace(job, bytes_stored=0)
    jobs.save(tx, wind_up(tx, job) if job.state is JobState.CANCELLING else job)
    return len(stored) < ITEMS_A_STEP


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
    return replace(job, state=begun, reason=None, detail=None, finished_at=None)


def _some(tx: Connection, table: Table, which: ColumnElement[bool], *, job: Job, at_most: int) -> list[int]:
    query = select(table.c.id).where(table.c.job_id == job.id, which).order_by(table.c.id).limit(at_most)
    return list(tx.execute(query).scalars())


def _which(
    job: Job, *, reasons: Collection[Reason] | None, item_ids: Collection[int] | None
) -> list[ColumnElement[bool]]:
    which = [items.c.job_id == job.id, items.c.state == ItemState.FAILED]
    if reasons is not None:
        which.append(items.c.reason.in_(reasons))
    if item_ids is not None:
        which.append(items.c.id.in_(item_ids))
    return which


def _list_lost_folders_again(tx: Connection, which: list[ColumnElement[bool]]) -> int:
    lost = tx.execute(select(items.c.id, items.c.job_id, items.c.file_id).where(*which, _is_folder())).all()
    for row in lost:
        again = {"state": LedgerState.READY, "page_token": None, "pages": 0, "stale_pages": 0, "tries": 0, "due_ms": 0}
        tx.execute(
            update(folders).where(folders.c.job_id == row.job_id, folders.c.folder_id == row.file_id).values(again)
        )
        tx.execute(delete(items).where(items.c.id == row.id))
    return len(lost)


def _is_folder() -> ColumnElement[bool]:
    return items.c.mime_type == FOLDER_MIME_TYPE


def _transfer_again(tx: Connection, job: Job, which: list[ColumnElement[bool]]) -> int:
    """Let failed items be transferred again; their number."""
    which = [*which, items.c.object_key.is_not(None)]
    count = tx.execute(select(func.count()).select_from(items).where(*which)).scalar_one()
    pending = {"state": ItemState.PENDING, "reason": None, "detail": None, "tries": 0}
    if count <= REPACKED_MAX:
        found = tx.execute(select(items.c.id, items.c.size_bytes).where(*which).order_by(items.c.id)).all()
        repack(tx, job_id=job.id, item_sizes=[(row.id, row.size_bytes) for row in found])
        tx.execute(update(items).where(*which).values(pending))
        return count
    _give_out_again(tx, job, [*which, items.c.batch_id.is_not(None)])
    alone = tx.execute(select(items.c.id, items.c.size_bytes).where(*which, items.c.batch_id.is_(None))).all()
    repack(tx, job_id=job.id, item_sizes=[(row.id, row.size_bytes) for row in alone])
    tx.execute(update(items).where(*which).values(pending))
    return count


def _give_out_again(tx: Connection, job: Job, which: list[ColumnElement[bool]]) -> None:
    """Make the batches of some items ready; those in flight come back by themselves."""
    theirs = select(items.c.batch_id).where(*which)
    done = (batches.c.job_id == job.id, batches.c.state == LedgerState.DONE, batches.c.id.in_(theirs))
    tx.execute(update(batches).where(*done).values(state=LedgerState.READY, tries=1, due_ms=0))


def _begin_again(tx: Connection, job: Job) -> Job:
    root = (folders.c.job_id == job.id, folders.c.folder_id == job.folder_id)
    again = {"state": LedgerState.READY, "page_token": None, "tries": 0, "due_ms": 0}
    tx.execute(update(folders).where(*root).values(again))
    return replace(job, open_folders=1)


def _go_on(tx: Connection, job: Job) -> Job:
    """Take back what a cancel skipped and closed."""
    withdrawn = [items.c.job_id == job.id, items.c.state == ItemState.SKIPPED, items.c.reason == Reason.CANCELLED]
    _give_out_again(tx, job, [*withdrawn, items.c.batch_id.is_not(None)])
    alone = tx.execute(select(items.c.id, items.c.size_bytes).where(*withdrawn, items.c.batch_id.is_(None))).all()
    repack(tx, job_id=job.id, item_sizes=[(row.id, row.size_bytes) for row in alone])
    pending = {"state": ItemState.PENDING, "reason": None, "detail": None}
    count = tx.execute(update(items).where(*withdrawn).values(pending)).rowcount
    closed = (folders.c.job_id == job.id, folders.c.state == LedgerState.CLOSED)
    tx.execute(update(folders).where(*closed).values(state=LedgerState.READY, tries=0, due_ms=0))
    return replace(job, skipped=job.skipped - count, discarding=False)
