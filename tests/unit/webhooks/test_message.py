"""The message of a webhook, from the facts that the catalog stores."""

from datetime import datetime

from imageferry.catalog.jobs.webhook_deliveries import Delivery, DeliveryState
from imageferry.webhooks.message import webhook_message


def test_a_message_has_its_type_its_time_and_the_job_with_times_in_utc() -> None:
    payload = {
        "id": "job",
        "stored": 3,
        "created_at": "2026-05-01T12:00:00",
        "finished_at": "2026-05-01T12:01:35.123456",
    }
    delivery = Delivery(
        id=1,
        job_id="job",
        url="https://hooks.example/",
        event_type="job.completed",
        payload=payload,
        state=DeliveryState.SENDING,
        tries=1,
        status=None,
        detail=None,
        updated_at=datetime(2026, 5, 1, 12, 2),  # noqa: DTZ001 - the catalog's times have no zone
    )
    assert webhook_message(delivery) == {
        "type": "job.completed",
        "timestamp": "2026-05-01T12:01:35.123Z",
        "data": {
            "id": "job",
            "stored": 3,
            "created_at": "2026-05-01T12:00:00.000Z",
            "finished_at": "2026-05-01T12:01:35.123Z",
        },
    }
