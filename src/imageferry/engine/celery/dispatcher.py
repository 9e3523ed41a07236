"""The dispatcher of the Celery engine: it sends work from the catalog to workers."""

import asyncio
import time
from collections.abc import Collection, Mapping

from celery import Celery

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.ledger.dispatch import requeue
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.engine.base import Queues
from imageferry.engine.celery.app import publish
from imageferry.engine.celery.queues import inspect_queues
from imageferry.engine.celery.stop_signals import broadcast_stop
from imageferry.engine.sweep_loop import SWEEP_INTERVAL_S, SweepLoop
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Transfer

# The pause before a retry when the broker is unavailable.
RETRY_PAUSE_S = 2.0


class CeleryEngine:
    """Sends what the jobs of one store may start; with `job_ids`, only of these jobs. Any number may run at once."""

    def __init__(
        self,
        app: Celery,
        *,
        catalog: Catalog,
        store_url: str,
        lease_policy: LeasePolicy,
        job_ids: Collection[str] | None = None,
        sweep_interval_s: float = SWEEP_INTERVAL_S,
    ) -> None:
        self._app = app
        self._catalog = catalog
        self._stop_was_sent = False
        self._unserved_after_s = lease_policy.unserved_after_ms / 1000
        self._workers: Mapping[type[Message], int] = {}
        self._served_at_s: dict[type[Message], float] = {}
        self._sweep_loop = SweepLoop(
            catalog,
            store_url=store_url,
            lease_policy=lease_policy,
            send=self._send,
            stop_jobs=self._stop_jobs,
            job_ids=job_ids,
            is_exclusive=False,
            interval_s=sweep_interval_s,
            queues=self._inspect_queues,
        )

    @property
    def workers(self) -> Mapping[type[Message], int]:
        """See Engine.workers."""
        return self._workers

    async def run(self) -> None:
        """Sweep and send until stopped, or until all of `job_ids` are terminal; workers finish what was sent."""
        await self._sweep_loop.run()

    def stop(self) -> None:
        """See Engine.stop."""
        self._sweep_loop.stop()

    def wake(self) -> None:
        """See Engine.wake."""
        self._sweep_loop.wake()

    async def _inspect_queues(self) -> Queues | None:
        try:
            queues = await asyncio.to_thread(inspect_queues, self._app)
        except TransientError as exc:
            log.warning("broker.unavailable", detail=exc.message)
            self._workers = {}
            self._served_at_s.clear()  # workers, too, need time to come back
            return None
        self._workers = {message_type: queue.workers for message_type, queue in queues.items()}
        now_s = time.monotonic()
        for message_type, workers in self._workers.items():
            if workers or message_type not in self._served_at_s:
                self._served_at_s[message_type] = now_s
        return Queues(
            waiting=[message_type for message_type, queue in queues.items() if queue.messages],
            unserved=[each for each, at_s in self._served_at_s.items() if now_s - at_s >= self._unserved_after_s],
        )

    async def _stop_jobs(self, job_ids: Collection[str]) -> None:
        # The empty list is sent once, so that jobs that were resumed continue at once.
        if job_ids or self._stop_was_sent:
            try:
                await asyncio.to_thread(broadcast_stop, self._app, job_ids)
            except TransientError as exc:
                log.warning("broker.unavailable", detail=exc.message)
        self._stop_was_sent = bool(job_ids)

    async def _send(self, message: Crawl | Transfer) -> None:
        try:
            await asyncio.to_thread(publish, self._app, message)
        except TransientError as exc:
            log.warning("broker.unavailable", detail=exc.message)
            await self._catalog.write(lambda tx: requeue(tx, message))
            await self._sweep_loop.pause(RETRY_PAUSE_S)
