"""Webhook deliveries on every database: each finished job is delivered once, by one process at a time."""

import asyncio
from functools import partial

from aiohttp import web
from msgspec.structs import replace

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import jobs, webhook_deliveries
from imageferry.catalog.jobs.webhook_deliveries import LEASE_MS, Delivery, DeliveryState
from imageferry.clock import now_ms
from imageferry.model import Job, JobState
from imageferry.webhooks.deliverer import Deliverer
from imageferry.webhooks.message import webhook_message
from imageferry.webhooks.sender import Sender
from tests.drivers.jobs import JOB
from tests.servers.webhook_receiver import WebhookReceiver, running_receiver

NOW_MS = 1_800_000_000_000
SENDER = Sender(secret=None, private_hosts=["127.0.0.1"])


async def finish_job(catalog: Catalog, url: str | None = "https://hooks.example/") -> Job:
    """Create a job, finish it, and save it twice more."""
    job = replace(JOB, open_folders=1, webhook_url=url)

    def write(tx: Tx) -> None:
        jobs.create(tx, job)
        jobs.save(tx, job)
        for _ in range(3):
            jobs.save(tx, replace(job, open_folders=0, state=JobState.COMPLETED))

    await catalog.write(write)
    return job


async def claim(catalog: Catalog, at_ms: int = NOW_MS) -> list[Delivery]:
    return await catalog.write(lambda tx: webhook_deliveries.claim(tx, now_ms=at_ms))


async def latest(catalog: Catalog) -> Delivery:
    return (await catalog.read(lambda tx: webhook_deliveries.latest_by_job(tx, [JOB.id])))[JOB.id]


async def test_the_end_of_a_job_is_enqueued_once(catalog: Catalog) -> None:
    job = await finish_job(catalog)
    (delivery,) = await claim(catalog)
    assert (delivery.url, delivery.event_type) == (job.webhook_url, "job.completed")


async def test_a_delivery_has_the_facts_of_its_message(catalog: Catalog) -> None:
    job = await finish_job(catalog)
    (delivery,) = await claim(catalog)
    message = webhook_message(delivery)
    data = message["data"]
    assert (message["type"], message["timestamp"]) == ("job.completed", data["finished_at"])
    assert data == {
        "id": job.id,
        "state": "completed",
        "reason": None,
        "detail": None,
        "source": "google_drive",
        "folder_id": "folder",
        "folder_name": "Holiday",
        "discovered": 0,
        "processed": 0,
        "stored": 0,
        "skipped": 0,
        "unchanged": 0,
        "failed": 0,
        "bytes_stored": 0,
        "bytes_transferred": 0,
        "created_at": "2026-05-01T12:00:00.000Z",
        "finished_at": data["finished_at"],
    }


async def test_a_retried_job_is_delivered_each_time_it_finishes(catalog: Catalog) -> None:
    job = await finish_job(catalog)

    def finish_again(tx: Tx) -> None:
        jobs.save(tx, job)
        jobs.save(tx, replace(job, state=JobState.FAILED, open_folders=0))

    await catalog.write(finish_again)
    assert [delivery.event_type for delivery in await claim(catalog)] == ["job.completed", "job.failed"]


async def test_a_job_without_a_webhook_has_no_delivery(catalog: Catalog) -> None:
    await finish_job(catalog, url=None)
    assert not await catalog.read(lambda tx: webhook_deliveries.has_due(tx, now_ms=NOW_MS))


async def test_a_claimed_delivery_can_be_claimed_again_only_after_its_lease(catalog: Catalog) -> None:
    await finish_job(catalog)
    claims = await asyncio.gather(*(claim(catalog) for _ in range(4)))
    assert sorted(map(len, claims)) == [0, 0, 0, 1]
    assert await claim(catalog, NOW_MS + LEASE_MS - 1) == []
    ((first,),) = filter(None, claims)
    (second,) = await claim(catalog, NOW_MS + LEASE_MS)
    assert (first.tries, second.tries) == (1, 2)
    for delivery, state in ((second, DeliveryState.DELIVERED), (first, DeliveryState.WAITING)):
        await catalog.write(
            partial(webhook_deliveries.record_attempt, delivery=delivery, state=state, status=200, detail=None)
        )
    assert (await latest(catalog)).state is DeliveryState.DELIVERED


async def test_a_clock_that_was_set_back_does_not_delay_a_delivery(catalog: Catalog) -> None:
    await finish_job(catalog)
    await claim(catalog, NOW_MS)
    assert len(await claim(catalog, NOW_MS - 10 * 86_400_000)) == 1


async def test_a_failed_delivery_is_retried_and_its_result_is_saved(catalog: Catalog) -> None:
    receiver = WebhookReceiver(responses=[web.Response(status=500), web.Response(status=503), web.Response(status=204)])
    async with running_receiver(receiver):
        await finish_job(catalog, url=f"http://127.0.0.1:{receiver.port}/")
        deliverer = Deliverer(catalog, sender=SENDER, retry_delays_s=(0.01, 0.01))
        while (await latest(catalog)).state is not DeliveryState.DELIVERED:
            await deliverer.deliver()
            await asyncio.sleep(0.02)
    last = await latest(catalog)
    assert (last.tries, last.status, last.detail) == (3, 204, None)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1


async def test_the_number_of_tries_is_bounded(catalog: Catalog) -> None:
    receiver = WebhookReceiver(responses=[web.Response(status=500)])
    async with running_receiver(receiver):
        await finish_job(catalog, url=f"http://127.0.0.1:{receiver.port}/")
        deliverer = Deliverer(catalog, sender=SENDER, retry_delays_s=(0, 0))
        while (await latest(catalog)).state is not DeliveryState.FAILED:
            await deliverer.deliver()
    assert len(receiver.requests) == 3
    assert not await catalog.read(lambda tx: webhook_deliveries.has_due(tx, now_ms=now_ms()))
    assert (await latest(catalog)).detail == "The receiver answered with status 500."


async def test_a_permanent_failure_is_not_retried(catalog: Catalog) -> None:
    await finish_job(catalog, url="https://127.0.0.1/")
    await Deliverer(catalog, sender=Sender(secret=None)).deliver()
    last = await latest(catalog)
    assert (last.state, last.tries, last.status) == (DeliveryState.FAILED, 1, None)


async def test_the_result_of_a_delivery_is_an_event_of_its_job(catalog: Catalog) -> None:
    await finish_job(catalog, url="https://127.0.0.1/")
    before = await catalog.read(lambda tx: event_log.events_after(tx, 0, limit=100))
    await Deliverer(catalog, sender=Sender(secret=None)).deliver()
    (event,) = await catalog.read(lambda tx: event_log.events_after(tx, before[-1].id, limit=100))
    assert (event.kind, event.job_id) == ("webhook", JOB.id)
    await catalog.write(lambda tx: event_log.prune(tx, events_max=0))
