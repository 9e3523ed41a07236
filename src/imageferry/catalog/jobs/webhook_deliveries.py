"""The outbox of webhooks: notifications about finished jobs, and how their delivery went."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select, update

from imageferry.catalog.database.tables import webhook_deliveries
from imageferry.catalog.events import event_log
from imageferry.clock import utc_now
from imageferry.model import Job

# After this time, another process may try a delivery that was claimed.
LEASE_MS = 60_000
# A time further ahead than any retry delay was written before the clock was set back.
FUTURE_MS_MAX = 36 * 3_600_000
CLAIM_MAX = 8


class DeliveryState(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"  # for its first or next try
    SENDING = "sending"  # claimed by a process that sends it now
    DELIVERED = "delivered"  # the receiver accepted it
    FAILED = "failed"  # not tried again


class Delivery(Struct, frozen=True, kw_only=True):
    """A notification about a finished job: the facts, which webhooks/message.py turns into a message, and its tries."""

    id: int
    job_id: str
    url: str
    event_type: str  # such as `job.completed`
    payload: dict[str, Any]  # the job's fields as JSON; times are in UTC, ISO 8601 without a zone
    state: DeliveryState
    tries: int
    status: int | None  # HTTP status of the last response
    detail: str | None  # why the last try failed
    updated_at: datetime  # UTC


def enqueue(tx: Connection, job: Job) -> None:
    """Add a delivery about a job that has just finished, if it has a webhook."""
    if job.webhook_url is None:
        return
    values = {
        "job_id": job.id,
        "url": job.webhook_url,
        "event_type": f"job.{job.state}",
        "payload": {name: getattr(job, name) for name in _PAYLOAD_FIELDS}
        | {"finished_at": job.finished_at or utc_now()},
        "state": DeliveryState.WAITING,
        "tries": 0,
        "available_at_ms": 0,
        "updated_at": utc_now(),
    }
    tx.execute(insert(webhook_deliveries).values(values))


_PAYLOAD_FIELDS = (
    "id",
    "state",
    "reason",
    "detail",
    "source",
    "folder_id",
    "folder_name",
    "discovered",
    "processed",
    "stored",
    "skipped",
    "unchanged",
    "failed",
    "bytes_stored",
    "bytes_transferred",
    "created_at",
    "finished_at",
)


def has_due(tx: Connection, *, now_ms: int) -> bool:
    """Return whether a delivery is due."""
    return tx.execute(select(webhook_deliveries.c.id).where(_due(now_ms)).limit(1)).first() is not None


def claim(tx: Connection, *, now_ms: int, job_id: str | None = None) -> list[Delivery]:
    """Claim up to CLAIM_MAX due deliveries. The caller sends them and records the attempts before the lease ends."""
    query = (
        select(webhook_deliveries)
        .where(_due(now_ms))
        .order_by(webhook_deliveries.c.available_at_ms, webhook_deliveries.c.id)
        .limit(CLAIM_MAX)
    )
    claimed = []
    for row in tx.execute(query if job_id is None else query.where(webhook_deliveries.c.job_id == job_id)).all():
        is_unchanged = (
            webhook_deliveries.c.id == row.id,
            webhook_deliveries.c.tries == row.tries,
            webhook_deliveries.c.state == row.state,
        )
        claim_values = {"state": DeliveryState.SENDING, "tries": row.tries + 1, "available_at_ms": now_ms + LEASE_MS}
        if tx.execute(update(webhook_deliveries).where(*is_unchanged).values(claim_values)).rowcount:
            claimed.append(_from_row(row, tries=row.tries + 1))
    return claimed


def record_attempt(
    tx: Connection,
    delivery: Delivery,
    *,
    state: DeliveryState,
    status: int | None,
    detail: str | None,
    retry_at_ms: int = 0,
) -> None:
    """Save the result of a try. Nothing changes if its lease has ended and another process has tried since."""
    is_own_claim = (webhook_deliveries.c.id == delivery.id, webhook_deliveries.c.tries == delivery.tries)
    values = {
        "state": state,
        "http_status": status,
        "detail": detail,
        "available_at_ms": retry_at_ms,
        "updated_at": utc_now(),
    }
    if tx.execute(update(webhook_deliveries).where(*is_own_claim).values(values)).rowcount:
        event_log.webhook_updated(tx, delivery.job_id)


def latest_by_job(tx: Connection, job_ids: Collection[str]) -> dict[str, Delivery]:
    """Return the latest delivery of each of these jobs that has one."""
    if not job_ids:
        return {}
    newest = (
        select(func.max(webhook_deliveries.c.id))
        .where(webhook_deliveries.c.job_id.in_(job_ids))
        .group_by(webhook_deliveries.c.job_id)
    )
    rows = tx.execute(select(webhook_deliveries).where(webhook_deliveries.c.id.in_(newest)))
    return {row.job_id: _from_row(row, tries=row.tries) for row in rows}


def _due(now_ms: int) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    is_open = webhook_deliveries.c.state.in_((DeliveryState.WAITING, DeliveryState.SENDING))
    return is_open & (
        (webhook_deliveries.c.available_at_ms <= now_ms)
        | (webhook_deliveries.c.available_at_ms > now_ms + FUTURE_MS_MAX)
    )


def _from_row(row: Any, *, tries: int) -> Delivery:  # noqa: ANN401 - a row of webhook_deliveries
    return Delivery(
        id=row.id,
        job_id=row.job_id,
        url=row.url,
        event_type=row.event_type,
        payload=row.payload,
        state=DeliveryState(row.state),
        tries=tries,
        status=row.http_status,
        detail=row.detail,
        updated_at=row.updated_at,
    )
