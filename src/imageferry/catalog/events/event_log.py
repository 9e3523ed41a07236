"""The event log: recent changes, written in the transaction of the change, and pruned by number and age."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select

from imageferry.catalog.database.tables import events, job_progress_samples, jobs
from imageferry.clock import utc_now
from imageferry.model import Job

# What a client can catch up with after a disconnection; after a longer one it reloads everything.
EVENTS_MAX = 20_000
AGE_MAX = timedelta(days=1)
# A job with more than SAMPLES_MAX progress samples keeps SAMPLES_KEPT of them, spread evenly over its duration.
SAMPLES_MAX = 600
SAMPLES_KEPT = 300
# An event about more deleted images than this doesn't list their ids.
IMAGE_IDS_MAX = 1000


class EventKind(StrEnum):
    """What an event is about."""

    JOB = "job"  # a job was accepted, made progress or changed its state
    IMAGES_DELETED = "images-deleted"
    JOB_REMOVED = "job-removed"  # from the history
    WEBHOOK = "webhook"  # a webhook notification of a finished job was delivered, or failed for good


def job_changed(tx: Connection, job: Job) -> None:
    """Record the current progress of a job."""
    tx.execute(
        _INSERT,
        {
            "kind": EventKind.JOB,
            "recorded_at": utc_now(),
            "job_id": job.id,
            "discovered": job.discovered,
            "processed": job.processed,
            "stored": job.stored,
            "bytes_transferred": job.bytes_transferred,
        },
    )


def webhook_updated(tx: Connection, job_id: str) -> None:
    """Record that a job's webhook notification was delivered or failed for good. The job's counts are unchanged."""
    tx.execute(_INSERT, {"kind": EventKind.WEBHOOK, "recorded_at": utc_now(), "job_id": job_id})


def job_removed(tx: Connection, job_id: str) -> None:
    """Record that a job was removed from the history."""
    tx.execute(_INSERT, {"kind": EventKind.JOB_REMOVED, "recorded_at": utc_now(), "job_id": job_id})


def images_deleted(tx: Connection, image_ids: Sequence[int]) -> None:
    """Record that the records of these images were deleted."""
    ids = list(image_ids) if len(image_ids) <= IMAGE_IDS_MAX else None
    tx.execute(_INSERT, {"kind": EventKind.IMAGES_DELETED, "recorded_at": utc_now(), "payload": {"ids": ids}})


# Built once: building a statement takes as long as running it.
_INSERT = insert(events)


class Event(Struct, frozen=True, kw_only=True):
    """One change."""

    id: int
    kind: EventKind
    job_id: str | None = None
    stored: int | None = None  # files that the job had stored at that time
    image_ids: tuple[int, ...] | None = None  # of deleted images; None: too many to list


def events_after(
    tx: Connection, event_id: int, *, limit: int, last_id: int | None = None, skipped_ids: Collection[int] = ()
) -> list[Event]:
    """Return events with an id after `event_id`, up to and including `last_id`, by id.

    Also return those of the `skipped_ids` that exist by now: PostgreSQL and MySQL assign ids before the transaction
    commits, so events can appear out of order (gap_tracker.py).
    """
    selected = events.c.id > event_id
    if last_id is not None:
        selected = events.c.id.between(event_id + 1, last_id)
    if skipped_ids:
        selected |= events.c.id.in_(skipped_ids)
    columns = (events.c.id, events.c.kind, events.c.job_id, events.c.stored, events.c.payload)
    rows = tx.execute(select(*columns).where(selected).order_by(events.c.id).limit(limit))
    return [
        Event(
            id=row.id,
            kind=EventKind(row.kind),
            job_id=row.job_id,
            stored=row.stored,
            image_ids=None if not row.payload or row.payload["ids"] is None else tuple(row.payload["ids"]),
        )
        for row in rows
    ]


def has_all_after(tx: Connection, event_id: int) -> bool:
    """Return whether no event after this one was pruned: it exists itself, or the very next one does."""
    # The oldest events are pruned first.
    first = tx.execute(select(func.min(events.c.id)).where(events.c.id >= event_id)).scalar_one()
    return first is not None and first <= event_id + 1


def missing_ids(tx: Connection, first_id: int, last_id: int) -> list[int]:
    """Return the ids from `first_id` to before `last_id` that no event has; of the last 10,000 ids only."""
    first_id = max(first_id, last_id - _MISSING_IDS_SCANNED_MAX)
    existing = set(tx.execute(select(events.c.id).where(events.c.id.between(first_id, last_id))).scalars())
    return [event_id for event_id in range(first_id, last_id) if event_id not in existing]


_MISSING_IDS_SCANNED_MAX = 10_000


def newest_id_before(tx: Connection, moment: datetime) -> int:
    """Return the id of the newest event recorded before this time; 0 when there is none."""
    return tx.execute(select(func.max(events.c.id)).where(events.c.recorded_at < moment)).scalar_one() or 0


def prune(tx: Connection, *, events_max: int = EVENTS_MAX, age_max: timedelta = AGE_MAX) -> None:
    """Delete events that are too old or too many, and keep the progress of jobs as a bounded number of samples.

    The newest event is never deleted: subscribers compare its id with theirs to know that they missed nothing.
    """
    newest_id = tx.execute(select(func.max(events.c.id))).scalar_one()
    if newest_id is None:
        return
    newest_too_old = select(func.max(events.c.id)).where(events.c.recorded_at < utc_now() - age_max)
    last_id = min(newest_id - 1, max(newest_id - events_max, tx.execute(newest_too_old).scalar_one() or 0))
    is_pruned = events.c.id <= last_id
    columns = (
        events.c.id,
        events.c.job_id,
        events.c.recorded_at,
        events.c.discovered,
        events.c.processed,
        events.c.bytes_transferred,
    )
    of_jobs = select(*columns).join(jobs, jobs.c.id == events.c.job_id).where(is_pruned, events.c.kind == EventKind.JOB)
    job_ids = select(events.c.job_id).where(is_pruned, events.c.job_id.is_not(None)).distinct()
    pruned_job_ids = list(tx.execute(job_ids).scalars())
    tx.execute(insert(job_progress_samples).from_select([column.name for column in columns], of_jobs))
    tx.execute(delete(events).where(is_pruned))
    for job_id in pruned_job_ids:
        _thin_samples(tx, job_id)


def _thin_samples(tx: Connection, job_id: str) -> None:
    samples = job_progress_samples.c
    query = (
        select(samples.id, samples.recorded_at)
        .where(samples.job_id == job_id)
        .order_by(samples.recorded_at, samples.id)
    )
    rows = [(row.id, row.recorded_at) for row in tx.execute(query)]
    if len(rows) <= SAMPLES_MAX:
        return
    kept = downsample([recorded_at for _, recorded_at in rows], points=SAMPLES_KEPT)
    surplus = [rows[index][0] for index in sorted(set(range(len(rows))) - set(kept))]
    for start in range(0, len(surplus), _DELETE_CHUNK):
        tx.execute(delete(job_progress_samples).where(samples.id.in_(surplus[start : start + _DELETE_CHUNK])))


_DELETE_CHUNK = 500


def downsample(times: Sequence[datetime], *, points: int) -> list[int]:
    """Return the indices of at most `points` of these ascending times, evenly spread; the first and last are kept."""
    if len(times) <= points:
        return list(range(len(times)))
    start, slot = times[0], (times[-1] - times[0]) / (points - 2)
    first_of_slot = {int((at - start) / slot) if slot else 0: index for index, at in reversed(list(enumerate(times)))}
    return sorted({*first_of_slot.values(), len(times) - 1})
