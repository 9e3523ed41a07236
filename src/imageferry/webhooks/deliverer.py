"""Deliver webhooks from the outbox, with a bounded number of retries and growing delays."""

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
from imageferry.webhooks.message import webhook_message
from imageferry.webhooks.sender import Sender

POLL_INTERVAL_S = 1.0
# How long to wait after an error, such as an unavailable catalog.
ERROR_DELAY_S = 5.0
# Before each retry, with jitter. The sum of 18 hours lets a receiver be down for a night.
RETRY_DELAYS_S = (5.0, 30.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
JITTER = 0.1


class Deliverer:
    """Delivers the webhooks that are due. Several may run, in any processes: each delivery is claimed by one."""

    def __init__(self, catalog: Catalog, *, sender: Sender, retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S) -> None:
        self._catalog = catalog
        self._sender = sender
        self._retry_delays_s = retry_delays_s

    async def run(self) -> None:
        """Deliver until cancelled. A delivery interrupted by that is tried again once its lease ends."""
        while True:
            try:
                # A read costs the database less than a transaction that might write.
                while await self._catalog.read(lambda tx: webhook_deliveries.has_due(tx, now_ms=now_ms())):
                    await self.deliver()
                await asyncio.sleep(POLL_INTERVAL_S)
            except TransientError as exc:
                log.warning("webhooks.unavailable", detail=exc.message)
                await asyncio.sleep(ERROR_DELAY_S)
            except Exception:  # keep running: receivers still wait for their messages
                log.exception("webhooks.failed")
                await asyncio.sleep(ERROR_DELAY_S)

    async def deliver(self, *, job_id: str | None = None) -> None:
        """Try some of the deliveries that are due now once, optionally only those of one job."""
        claimed = await self._catalog.write(lambda tx: webhook_deliveries.claim(tx, now_ms=now_ms(), job_id=job_id))
        await asyncio.gather(*map(self._attempt, claimed))

    async def _attempt(self, delivery: Delivery) -> None:
        # The same at each try, so that a receiver can recognise a duplicate.
        message_id = f"msg_{delivery.job_id}_{delivery.id}"
        result = await self._sender.send(delivery.url, message_id=message_id, message=webhook_message(delivery))
        state, retry_at_ms = DeliveryState.WAITING, 0
        if result.detail is None:
            state = DeliveryState.DELIVERED
        elif result.is_permanent or delivery.tries > len(self._retry_delays_s):
            state = DeliveryState.FAILED
        else:
            delay_s = self._retry_delays_s[delivery.tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
            retry_at_ms = now_ms() + round(delay_s * 1000)
        # The URL may contain a secret: it is not logged.
        log.info("webhook.attempted", job_id=delivery.job_id, state=state, status=result.status, tries=delivery.tries)
        await self._catalog.write(
            lambda tx: webhook_deliveries.record_attempt(
                tx, delivery, state=state, status=result.status, detail=result.detail, retry_at_ms=retry_at_ms
            )
        )


@asynccontextmanager
async def delivering(deliverer: Deliverer) -> AsyncIterator[None]:
    """Run a deliverer until the context ends."""
    running = asyncio.create_task(deliverer.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
