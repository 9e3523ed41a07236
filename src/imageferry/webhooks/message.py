"""The message of a webhook, as Standard Webhooks shapes it."""

from datetime import datetime
from typing import Any

from imageferry.catalog.jobs.webhook_deliveries import Delivery


def webhook_message(delivery: Delivery) -> dict[str, Any]:
    """Return the JSON body to send: `type`, `timestamp`, and the finished job as `data`. It is the same at each try."""
    times = {name: _timestamp(delivery.payload[name]) for name in ("created_at", "finished_at")}
    return {
        "type": delivery.event_type,
        "timestamp": times["finished_at"],
        "data": delivery.payload | times,
    }


def _timestamp(stored: str) -> str:
    return f"{datetime.fromisoformat(stored).isoformat(timespec='milliseconds')}Z"
