"""The loop of every engine: sweep the catalog periodically and send the messages that it dispatches."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import idempotency_keys, jobs
from imageferry.catalog.ledger import bulk_steps, dispatch, job_actions
from imageferry.catalog.ledger.fair_share import assign_credit
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.sweep import sweep
from imageferry.clock import now_ms
from imageferry.engine.base import Queues
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Transfer

SWEEP_INTERVAL_S = 1.0
PRUNE_EVERY_S = 60.0
# The pause before a retry when the catalog is unavailable.
RETRY_PAUSE_S = 2.0


async def _no_queues() -> Queues:
    return Queues()


class SweepLoop:
    """Sweeps the catalog and sends what the jobs of one store may start; with `job_ids`, only of these jobs.

    `send` delivers a message. `stop_jobs` is called at each sweep with the jobs that must stop but have something in
    progress. `queues` returns the state of the broker's queues, or None when nothing can be sent.
    `is_exclusive`: the window is shared by the jobs of this loop only; otherwise by all jobs of the store.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        store_url: str,
        lease_policy: LeasePolicy,
        send: Callable[[Crawl | Transfer], Awaitable[None]],
        stop_jobs: Callable[[Collection[str]], Awaitable[None]],
        job_ids: Collection[str] | None = None,
        is_exclusive: bool = True,
        interval_s: float = SWEEP_INTERVAL_S,
        queues: Callable[[], Awaitable[Queues | None]] = _no_queues,
    ) -> None:
        self._catalog = catalog
        self._store_url = store_url
        self._lease_policy = lease_policy
        self._send = send
        self._stop_jobs = stop_jobs
        self._job_ids = job_ids
        self._is_exclusive = is_exclusive
        self._interval_s = interval_s
        self._queues = queues
        self._woken = asyncio.Event()
        self._is_stopped = False
        self._prune_at_s = time.monotonic() + PRUNE_EVERY_S

    async def run(self) -> None:
        """Sweep until stopped, or until all of `job_ids` are terminal."""
        while not self._is_stopped:
            await self.retry_while_unavailable(self._sweep)
            if time.monotonic() >= self._prune_at_s:
                await self.retry_while_unavailable(self._prune)
            await self.pause(self._interval_s)

    def stop(self) -> None:
        """See Engine.stop."""
        self._is_stopped = True
        self._woken.set()

    def wake(self) -> None:
        """See Engine.wake."""
        self._woken.set()

    def unfinished_job_ids(self, tx: Tx) -> list[str]:
        """Return the ids of this loop's jobs that are not terminal."""
        return self._own([job.id for job in jobs.unfinished(tx) if job.store == self._store_url])

    async def retry_while_unavailable(self, action: Callable[[], Awaitable[None]]) -> None:
        """Run an action; retry it while the catalog is unavailable, but not once stopped."""
        while True:
            try:
                return await action()
            except TransientError as exc:
                log.warning("catalog.unavailable", detail=exc.message)
                if self._is_stopped:
                    return None
                await self.pause(RETRY_PAUSE_S)

    async def pause(self, seconds: float) -> None:
        """Sleep, at most until woken or stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        if not self._is_stopped:
            self._woken.clear()

    async def _sweep(self) -> None:
        queues = await self._queues()
        if queues is None:
            return

        def change(tx: Tx) -> tuple[bool, bool, list[str], list[Crawl | Transfer]]:
            active = sweep(
                tx,
                store=self._store_url,
                policy=self._lease_policy,
                now_ms=now_ms(),
                queued_types=queues.waiting,
                unserved_types=queues.unserved,
            )
            sharing = self._own(active) if self._is_exclusive else active
            served = assign_credit(tx, job_ids=sharing, policy=self._lease_policy, now_ms=now_ms())
            dispatched = [
                dispatch.dispatch(tx, job_id, policy=self._lease_policy, now_ms=now_ms(), wait_for_lock=False)
                for job_id in self._own(served)
            ]
            to_stop = job_actions.jobs_to_stop(tx, store=self._store_url)
            has_more = bulk_steps.has_pending(tx, store=self._store_url)
            is_complete = self._job_ids is not None and not self.unfinished_job_ids(tx)
            return is_complete, has_more, to_stop, [message for batch in dispatched for message in batch]

        is_complete, has_more, to_stop, messages = await self._catalog.write(change)
        if has_more:
            self.wake()
        await self._stop_jobs(to_stop)
        for message in messages:
            await self._send(message)
        if is_complete:
            self.stop()

    async def _prune(self) -> None:
        await self._catalog.write(event_log.prune)
        await self._catalog.write(idempotency_keys.delete_expired)
        self._prune_at_s = time.monotonic() + PRUNE_EVERY_S

    def _own(self, job_ids: Collection[str]) -> list[str]:
        return [job_id for job_id in job_ids if self._job_ids is None or job_id in self._job_ids]
