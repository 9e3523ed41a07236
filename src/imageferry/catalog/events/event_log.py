"""Events: what changed lately, written with the change itself; and how much of it is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select

from imageferry.catalog.database.tables import events, jobs, samples
from imageferry.clock import utc_now
from imageferry.model import Job

# What a client that was away can catch up with; who was away for longer loads anew.
EVENTS_MAX = 20_000
AGE_MAX = timedelta(days=1)
# Of one job's samples, when there are more than the most, so many stay: points of a line over its whole length.
SAMPLES_MAX = 600
SAMPLES_KEPT = 300
# More than this are told as "many".
IDS_MAX = 1000


class EventKind(StrEnum):
    """What an event tells of."""

    JOB = "job"  # a job began, went on, or changed its state
    IMAGES_DELETED = "images-deleted"
    JOB_REMOVED = "job-removed"  # from the history
    WEBHOOK = "webhook"  # a job's end was told, or could not be


def job_changed(tx: Connection, job: Job) -> None:
    """Tell that a job is now as this."""
    tx.execute(
        _INSERT,
        {
            "kind": EventKind.JOB,
            "at": utc_now(),
            "job_id": job.id,
            "discovered": job.discovered,
            "processed": job.processed,
            "stored": job.stored,
            "bytes_moved": job.bytes_moved,
        },
    )


def job_told(tx: Connection, job_id: str) -> None:
    """Tell that somebody was told of a job's end, or was not: none of its counts changed."""
    tx.execute(_INSERT, {"kind": EventKind.WEBHOOK, "at": utc_now(), "job_id": job_id})


def job_removed(tx: Connection, job_id: str) -> None:
    """Tell that a job is not in the history any more."""
    tx.execute(_INSERT, {"kind": EventKind.JOB_REMOVED, "at": utc_now(), "job_id": job_id})


def images_deleted(tx: Connection, image_ids: Sequence[int]) -> None:
    """Tell that these images' records are gone."""
    ids = list(image_ids) if len(image_ids) <= IDS_MAX else None
    tx.execute(_INSERT, {"kind": EventKind.IMAGES_DELETED, "at": utc_now(), "body": {"ids": ids}})


# Built once: to build a statement takes as long as to run it.
_INSERT = insert(events)


class Event(Struct, frozen=True, kw_only=True):
    """Something that changed."""

    id: int
    kind: EventKind
    job_id: str | None = None
    stored: int | None = None  # files of that job, at that moment
    image_ids: tuple[int, ...] | None = None  # whose records are gone; None: many


def after(
    tx: Connection, event_id: int, *, limit: int, until: int | None = None, late: Collection[int] = ()
) -> list[Event]:
    """The events that follow one, up to another where that is given; and those of the `late` that are there by now.

    Two databases of the three give out numbers before they commit: see ordering.py.
    """
    which = events.c.id > event_id
    if until is not None:
        which = events.c.id.between(event_id + 1, until)
    if late:
        which |= events.c.id.in_(late)
    columns = (events.c.id, events.c.kind, events.c.job_id, events.c.stored, events.c.body)
    rows = tx.execute(select(*columns).where(which).order_by(events.c.id).limit(limit))
    return [
        Event(
            id=row.id,
            kind=EventKind(row.kind),
            job_id=row.job_id,
            stored=row.stored,
            image_ids=None if not row.body or row.body["ids"] is None else tuple(row.body["ids"]),
        )
        for row in rows
    ]


def is_kept(tx: Connection, event_id: int) -> bool:
    """True: all that followed the event is there, for itself is, or the very next; the oldest go first."""
    first = tx.execute(select(func.min(events.c.id)).where(events.c.id >= event_id)).scalar_one()
    return first is not None and first <= event_id + 1


def missing(tx: Connection, first_id: int, last_id: int) -> list[int]:
    """The numbers from one to another that no event has by now; of the last ones alone."""
    first_id = max(first_id, last_id - _NUMBERS_MAX)
    there = set(tx.execute(select(events.c.id).where(events.c.id.between(first_id, last_id))).scalars())
    return [number for number in range(first_id, last_id) if number not in there]


_NUMBERS_MAX = 10_000


def begun_before(tx: Connection, moment: datetime) -> int:
    """The newest event that was written before a moment; 0 when there is none."""
    return tx.execute(select(func.max(events.c.id)).where(events.c.at < moment)).scalar_one() or 0


def prune(tx: Connection, *, events_max: int = EVENTS_MAX, age_max: timedelta = AGE_MAX) -> None:
    """Let go of events that are too old or too many; of a job's, the samples stay, thinned.

    The newest event stays whatever its age: by it those who watch know that they missed nothing.
    """
    newest = tx.execute(select(func.max(events.c.id))).scalar_one()
    if newest is None:
        return
    old = select(func.max(events.c.id)).where(events.c.at < utc_now() - age_max)
    last = min(newest - 1, max(newest - events_max, tx.execute(old).scalar_one() or 0))
    gone = events.c.id <= last
    columns = (events.c.id, events.c.job_id, events.c.at, events.c.discovered, events.c.processed, events.c.bytes_moved)
    of_jobs = select(*columns).join(jobs, jobs.c.id == events.c.job_id).where(gone, events.c.kind == EventKind.JOB)
    job_ids = list(tx.execute(select(events.c.job_id).where(gone, events.c.job_id.is_not(None)).distinct()).scalars())
    tx.execute(insert(samples).from_select([column.name for column in columns], of_jobs))
    tx.execute(delete(events).where(gone))
    for job_id in job_ids:
        _thin(tx, job_id)


def _thin(tx: Connection, job_id: str) -> None:
    query = select(samples.c.id, samples.c.at).where(samples.c.job_id == job_id).order_by(samples.c.at, samples.c.id)
    rows = [(row.id, row.at) for row in tx.execute(query)]
    if len(rows) <= SAMPLES_MAX:
        return
    kept = thinned([at for _, at in rows], points=SAMPLES_KEPT)
    surplus = [rows[index][0] for index in sorted(set(range(len(rows))) - set(kept))]
    for start in range(0, len(surplus), _IDS_AT_ONCE):
        tx.execute(delete(samples).where(samples.c.id.in_(surplus[start : start + _IDS_AT_ONCE])))


_IDS_AT_ONCE = 500


def thinned(times: Sequence[datetime], *, points: int) -> list[int]:
    """Which of these times, in their order, make a line of at most so many points that are even in time."""
    if len(times) <= points:
        return list(range(len(times)))
    begin, slot = times[0], (times[-1] - times[0]) / (points - 2)
    first_of = {int((at - begin) / slot) if slot else 0: index for index, at in reversed(list(enumerate(times)))}
    return sorted({*first_of.values(), len(times) - 1})
