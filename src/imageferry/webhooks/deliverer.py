"""Delivering what is owed: again after growing pauses, a bounded number of times, by one process at a time."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.jobs import webhook_deliveries
from imageferry.catalog.jobs.webhook_deliveries import Delivery, DeliveryState
from imageferry.clock import now_ms
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.webhooks.sender import Sender

LOOK_EVERY_S = 1.0
# How long to rest when the catalog is away.
REST_S = 5.0
# Before each further try, a little more or less: whoever is down for a night hears of it in the morning.
PAUSES_S = (5.0, 30.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
JITTER = 0.1


class Deliverer:
    """Delivers what the catalog says is owed. Many may run: what one has taken is not taken by another."""

    def __init__(self, catalog: Catalog, *, sender: Sender, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._catalog = catalog
        self._sender = sender
        self._pauses_s = pauses_s

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is tried again by whoever comes next."""
        while True:
            try:
                # A look costs the database less than a transaction that might write.
                while await self._catalog.read(lambda tx: webhook_deliveries.any_due(tx, now_ms=now_ms())):
                    await self.deliver()
                await asyncio.sleep(LOOK_EVERY_S)
            except TransientError as exc:
                log.warning("webhooks.away", detail=exc.message)
                await asyncio.sleep(REST_S)
            except Exception:  # those who wait to be told would wait for ever
                log.exception("webhooks.failed")
                await asyncio.sleep(REST_S)

    async def deliver(self, *, job_id: str | None = None) -> None:
        """Try once what is due now, of one job or of some."""
        taken = await self._catalog.write(lambda tx: webhook_deliveries.take(tx, now_ms=now_ms(), job_id=job_id))
        await asyncio.gather(*map(self._try, taken))

    async def _try(self, delivery: Delivery) -> None:
        # The same at each try, by which a receiver knows what it has had already.
        message_id = f"msg_{delivery.job_id}_{delivery.id}"
        answer = await self._sender.send(delivery.url, message_id=message_id, message=delivery.body)
        state, due_ms = DeliveryState.WAITING, 0
        if answer.detail is None:
            state = DeliveryState.DELIVERED
        elif answer.hopeless or delivery.tries > len(self._pauses_s):
            state = DeliveryState.FAILED
        else:
            pause_s = self._pauses_s[delivery.tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
            due_ms = now_ms() + round(pause_s * 1000)
        # The URL may hold a secret of its own: it stays out of the log.
        log.info("webhook.tried", job_id=delivery.job_id, state=state, status=answer.status, tries=delivery.tries)
        await self._catalog.write(
            lambda tx: webhook_deliveries.settle(
                tx, delivery, state=state, status=answer.status, detail=answer.detail, due_ms=due_ms
            )
        )


@asynccontextmanager
async def delivering(deliverer: Deliverer) -> AsyncIterator[None]:
    """Deliver until the context ends."""
    running = asyncio.create_task(deliverer.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
