"""Deliveries: who is to be told that a job came to its end, and how that went."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select, update

from imageferry.catalog.database.tables import deliveries
from imageferry.catalog.events import event_log
from imageferry.clock import utc_now
from imageferry.model import Job

# How long whoever delivers may give no sign of life; then another tries.
LEASE_MS = 60_000
# A time further ahead than any pause was written before the clock was set back.
AHEAD_MS_MAX = 36 * 3_600_000
AT_ONCE_MAX = 8


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  # for its next try
    SENDING = "sending"  # somebody tries at present
    DELIVERED = "delivered"  # it was taken
    FAILED = "failed"  # it will not be tried again


class Delivery(Struct, frozen=True, kw_only=True):
    """A message to somebody about a job, and how often it was tried."""

    id: int
    job_id: str
    url: str
    body: dict[str, Any]
    state: DeliveryState
    tries: int
    status: int | None  # of the last answer
    detail: str | None  # what was wrong last
    updated_at: datetime  # UTC


def owe(tx: Connection, job: Job) -> None:
    """Write that a job which came to its end is to be told of, where somebody asked for that."""
    if job.webhook_url is None:
        return
    new = {"state": DeliveryState.WAITING, "tries": 0, "due_ms": 0, "updated_at": utc_now()}
    tx.execute(insert(deliveries).values(new | {"job_id": job.id, "url": job.webhook_url, "body": _message(job)}))


def any_due(tx: Connection, *, now_ms: int) -> bool:
    """True: there is something to deliver now."""
    return tx.execute(select(deliveries.c.id).where(_due(now_ms)).limit(1)).first() is not None


def take(tx: Connection, *, now_ms: int, job_id: str | None = None) -> list[Delivery]:
    """Some of what is due, for the caller alone to deliver and to `settle` before the lease ends."""
    query = select(deliveries).where(_due(now_ms)).order_by(deliveries.c.due_ms, deliveries.c.id).limit(AT_ONCE_MAX)
    taken = []
    for row in tx.execute(query if job_id is None else query.where(deliveries.c.job_id == job_id)).all():
        as_read = (deliveries.c.id == row.id, deliveries.c.tries == row.tries, deliveries.c.state == row.state)
        ours = {"state": DeliveryState.SENDING, "tries": row.tries + 1, "due_ms": now_ms + LEASE_MS}
        if tx.execute(update(deliveries).where(*as_read).values(ours)).rowcount:
            taken.append(_delivery(row, tries=row.tries + 1))
    return taken


def settle(
    tx: Connection, delivery: Delivery, *, state: DeliveryState, status: int | None, detail: str | None, due_ms: int = 0
) -> None:
    """Write how a try went; a try whose lease ended and that another has begun again changes nothing."""
    as_taken = (deliveries.c.id == delivery.id, deliveries.c.tries == delivery.tries)
    outcome = {"state": state, "status": status, "detail": detail, "due_ms": due_ms, "updated_at": utc_now()}
    if tx.execute(update(deliveries).where(*as_taken).values(outcome)).rowcount:
        event_log.job_told(tx, delivery.job_id)


def latest(tx: Connection, job_ids: Collection[str]) -> dict[str, Delivery]:
    """The last delivery of each job that has any."""
    if not job_ids:
        return {}
    newest = select(func.max(deliveries.c.id)).where(deliveries.c.job_id.in_(job_ids)).group_by(deliveries.c.job_id)
    rows = tx.execute(select(deliveries).where(deliveries.c.id.in_(newest)))
    return {row.job_id: _delivery(row, tries=row.tries) for row in rows}


def _due(now_ms: int) -> Any:  # noqa: ANN401 - a condition
    open_ones = deliveries.c.state.in_((DeliveryState.WAITING, DeliveryState.SENDING))
    return open_ones & ((deliveries.c.due_ms <= now_ms) | (deliveries.c.due_ms > now_ms + AHEAD_MS_MAX))


def _delivery(row: Any, *, tries: int) -> Delivery:  # noqa: ANN401 - of the table
    return Delivery(
        id=row.id,
        job_id=row.job_id,
        url=row.url,
        body=row.body,
        state=DeliveryState(row.state),
        tries=tries,
        status=row.status,
        detail=row.detail,
        updated_at=row.updated_at,
    )


def _message(job: Job) -> dict[str, Any]:
    """The job as it ended, as Standard Webhooks shapes a message: it is the same at each try."""
    ended_at = job.finished_at or utc_now()
    counts = ("discovered", "processed", "stored", "skipped", "unchanged", "failed", "bytes_stored", "bytes_moved")
    data = {
        "id": job.id,
        "state": job.state,
        "reason": job.reason,
        "detail": job.detail,
        "source": job.source,
        "folder_id": job.folder_id,
        "folder_name": job.folder_name,
        **{name: getattr(job, name) for name in counts},
        "created_at": _told(job.created_at),
        "finished_at": _told(ended_at),
    }
    return {"type": f"job.{job.state}", "timestamp": _told(ended_at), "data": data}


def _told(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}Z"
