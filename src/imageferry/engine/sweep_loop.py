"""What every engine beats with: the catalog is looked through again and again, and what is ready is sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.events import event_log
from imageferry.catalog.jobs import idempotency_keys, jobs
from imageferry.catalog.ledger import bulk_steps, dispatch, job_actions
from imageferry.catalog.ledger.fair_share import share_out
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.sweep import sweep
from imageferry.clock import now_ms
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Transfer

SWEEP_EVERY_S = 1.0
PRUNE_EVERY_S = 60.0
# How long to rest when the catalog is away.
REST_S = 2.0


async def _nothing_waits() -> Collection[type[Message]]:
    return ()


class Sweeper:
    """Sweeps the catalog and sends what the jobs of one store may begin; with `job_ids`, of these jobs alone.

    `halt` is told, at each sweep, which jobs are to have nothing under way and have. `waiting` tells which kinds of
    messages wait in a queue at present; None when nothing can be sent at all. The window is shared by the jobs that are
    this sweeper's, or, where it is not `alone`, by all jobs of the store.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        store_url: str,
        terms: LeasePolicy,
        send: Callable[[Crawl | Transfer], Awaitable[None]],
        halt: Callable[[Collection[str]], Awaitable[None]],
        job_ids: Collection[str] | None = None,
        alone: bool = True,
        every_s: float = SWEEP_EVERY_S,
        waiting: Callable[[], Awaitable[Collection[type[Message]] | None]] = _nothing_waits,
    ) -> None:
        self._catalog = catalog
        self._store_url = store_url
        self._terms = terms
        self._send = send
        self._halt = halt
        self._job_ids = job_ids
        self._alone = alone
        self._every_s = every_s
        self._waiting = waiting
        self._nudged = asyncio.Event()
        self._stopped = False
        self._prune_at_s = time.monotonic() + PRUNE_EVERY_S

    async def run(self) -> None:
        """Sweep until stopped, or until the jobs that it was given are terminal."""
        while not self._stopped:
            await self.patiently(self._sweep)
            if time.monotonic() >= self._prune_at_s:
                await self.patiently(self._prune)
            await self.rest(self._every_s)

    def stop(self) -> None:
        """Sweep no more."""
        self._stopped = True
        self._nudged.set()

    def nudge(self) -> None:
        """Sweep now."""
        self._nudged.set()

    def unfinished(self, tx: Tx) -> list[str]:
        """The ids of the jobs that are this sweeper's and not terminal."""
        return self._mine([job.id for job in jobs.unfinished(tx) if job.store == self._store_url])

    async def patiently(self, move: Callable[[], Awaitable[None]]) -> None:
        """Make a move, again and again while the catalog is away; when stopped, no more than once."""
        while True:
            try:
                return await move()
            except TransientError as exc:
                log.warning("catalog.away", detail=exc.message)
                if self._stopped:
                    return None
                await self.rest(REST_S)

    async def rest(self, seconds: float) -> None:
        """Rest, at most until nudged or stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), seconds)
        if not self._stopped:
            self._nudged.clear()

    async def _sweep(self) -> None:
        waiting = await self._waiting()
        if waiting is None:
            return

        def change(tx: Tx) -> tuple[bool, bool, list[str], list[Crawl | Transfer]]:
            active = sweep(tx, store=self._store_url, terms=self._terms, now_ms=now_ms(), waiting=waiting)
            sharing = self._mine(active) if self._alone else active
            served = share_out(tx, job_ids=sharing, terms=self._terms, now_ms=now_ms())
            given_out = [
                dispatch.dispatch(tx, job_id, terms=self._terms, now_ms=now_ms(), waits=False)
                for job_id in self._mine(served)
            ]
            halted = job_actions.halted(tx, store=self._store_url)
            more = bulk_steps.are_left(tx, store=self._store_url)
            over = self._job_ids is not None and not self.unfinished(tx)
            return over, more, halted, [message for messages in given_out for message in messages]

        over, more, halted, begun = await self._catalog.write(change)
        if more:
            self.nudge()
        await self._halt(halted)
        for message in begun:
            await self._send(message)
        if over:
            self.stop()

    async def _prune(self) -> None:
        await self._catalog.write(event_log.prune)
        await self._catalog.write(idempotency_keys.forget)
        self._prune_at_s = time.monotonic() + PRUNE_EVERY_S

    def _mine(self, job_ids: Collection[str]) -> list[str]:
        return [job_id for job_id in job_ids if self._job_ids is None or job_id in self._job_ids]
