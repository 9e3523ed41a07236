"""What every catalog holds to: who asked for it is told of a job's end, by one process at a time."""

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
from imageferry.webhooks.sender import Sender
from tests.drivers.jobs import JOB
from tests.servers.webhook_receiver import Receiver, receiving

NOW_MS = 1_800_000_000_000
SENDER = Sender(secret=None, private_hosts=["127.0.0.1"])


async def ended(catalog: Catalog, url: str | None = "https://hooks.example/") -> Job:
    """A job that came to its end, and was saved twice since."""
    job = replace(JOB, open_folders=1, webhook_url=url)

    def change(tx: Tx) -> None:
        jobs.accept(tx, job)
        jobs.save(tx, job)
        for _ in range(3):
            jobs.save(tx, replace(job, open_folders=0, state=JobState.COMPLETED))

    await catalog.write(change)
    return job


async def take(catalog: Catalog, at_ms: int = NOW_MS) -> list[Delivery]:
    return await catalog.write(lambda tx: webhook_deliveries.take(tx, now_ms=at_ms))


async def latest(catalog: Catalog) -> Delivery:
    return (await catalog.read(lambda tx: webhook_deliveries.latest(tx, [JOB.id])))[JOB.id]


async def test_the_end_of_a_job_is_owed_once(catalog: Catalog) -> None:
    job = await ended(catalog)
    (delivery,) = await take(catalog)
    assert (delivery.url, delivery.body["type"], delivery.body["data"]["id"]) == (
        job.webhook_url,
        "job.completed",
        job.id,
    )


async def test_a_job_that_is_tried_again_and_ends_again_is_told_again(catalog: Catalog) -> None:
    job = await ended(catalog)

    def again(tx: Tx) -> None:
        jobs.save(tx, job)
        jobs.save(tx, replace(job, state=JobState.FAILED, open_folders=0))

    await catalog.write(again)
    assert [delivery.body["type"] for delivery in await take(catalog)] == ["job.completed", "job.failed"]


async def test_nobody_is_told_who_did_not_ask(catalog: Catalog) -> None:
    await ended(catalog, url=None)
    assert not await catalog.read(lambda tx: webhook_deliveries.any_due(tx, now_ms=NOW_MS))


async def test_what_one_has_taken_is_anothers_only_when_the_lease_is_over(catalog: Catalog) -> None:
    await ended(catalog)
    at_once = await asyncio.gather(*(take(catalog) for _ in range(4)))
    assert sorted(map(len, at_once)) == [0, 0, 0, 1]
    assert await take(catalog, NOW_MS + LEASE_MS - 1) == []
    ((first,),) = filter(None, at_once)
    (second,) = await take(catalog, NOW_MS + LEASE_MS)
    assert (first.tries, second.tries) == (1, 2)
    for delivery, state in ((second, DeliveryState.DELIVERED), (first, DeliveryState.WAITING)):
        await catalog.write(partial(webhook_deliveries.settle, delivery=delivery, state=state, status=200, detail=None))
    assert (await latest(catalog)).state is DeliveryState.DELIVERED


async def test_a_clock_that_was_set_back_holds_no_delivery_up(catalog: Catalog) -> None:
    await ended(catalog)
    await take(catalog, NOW_MS)
    assert len(await take(catalog, NOW_MS - 10 * 86_400_000)) == 1


async def test_a_receiver_that_is_down_is_tried_again_and_the_result_is_kept(catalog: Catalog) -> None:
    receiver = Receiver(answers=[web.Response(status=500), web.Response(status=503), web.Response(status=204)])
    async with receiving(receiver):
        await ended(catalog, url=f"http://127.0.0.1:{receiver.port}/")
        deliverer = Deliverer(catalog, sender=SENDER, pauses_s=(0.01, 0.01))
        while (await latest(catalog)).state is not DeliveryState.DELIVERED:
            await deliverer.deliver()
            await asyncio.sleep(0.02)
    last = await latest(catalog)
    assert (last.tries, last.status, last.detail) == (3, 204, None)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1


async def test_the_number_of_tries_is_bounded(catalog: Catalog) -> None:
    receiver = Receiver(answers=[web.Response(status=500)])
    async with receiving(receiver):
        await ended(catalog, url=f"http://127.0.0.1:{receiver.port}/")
        deliverer = Deliverer(catalog, sender=SENDER, pauses_s=(0, 0))
        while (await latest(catalog)).state is not DeliveryState.FAILED:
            await deliverer.deliver()
    assert len(receiver.got) == 3
    assert not await catalog.read(lambda tx: webhook_deliveries.any_due(tx, now_ms=now_ms()))
    assert (await latest(catalog)).detail == "It answered 500 instead of taking the message."


async def test_a_hopeless_receiver_is_tried_once(catalog: Catalog) -> None:
    await ended(catalog, url="https://127.0.0.1/")
    await Deliverer(catalog, sender=Sender(secret=None)).deliver()
    last = await latest(catalog)
    assert (last.state, last.tries, last.status) == (DeliveryState.FAILED, 1, None)


async def test_how_a_delivery_went_is_an_event_of_its_job(catalog: Catalog) -> None:
    await ended(catalog, url="https://127.0.0.1/")
    before = await catalog.read(lambda tx: event_log.after(tx, 0, limit=100))
    await Deliverer(catalog, sender=Sender(secret=None)).deliver()
    (event,) = await catalog.read(lambda tx: event_log.after(tx, before[-1].id, limit=100))
    assert (event.kind, event.job_id) == ("webhook", JOB.id)
    await catalog.write(lambda tx: event_log.prune(tx, events_max=0))
