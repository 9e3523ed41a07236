"""The Celery engine's near end: it gives out work from the catalog, and workers elsewhere do it."""

import asyncio
from collections.abc import Collection

from celery import Celery

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.ledger.dispatch import give_back
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.engine.celery.app import publish, waiting
from imageferry.engine.celery.stop_signals import tell
from imageferry.engine.sweep_loop import SWEEP_EVERY_S, Sweeper
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Transfer

# How long to rest when the broker is away.
REST_S = 2.0


class CeleryEngine:
    """Sends what the jobs of one store may begin; with `job_ids`, of these jobs alone. Any number may run at once."""

    def __init__(
        self,
        app: Celery,
        *,
        catalog: Catalog,
        store_url: str,
        terms: LeasePolicy,
        job_ids: Collection[str] | None = None,
        sweep_every_s: float = SWEEP_EVERY_S,
    ) -> None:
        self._app = app
        self._catalog = catalog
        self._halted = False
        self._sweeper = Sweeper(
            catalog,
            store_url=store_url,
            terms=terms,
            send=self._send,
            halt=self._halt,
            job_ids=job_ids,
            alone=False,
            every_s=sweep_every_s,
            waiting=self._waiting,
        )

    async def run(self) -> None:
        """Send until stopped."""
        await self._sweeper.run()

    def stop(self) -> None:
        """Send nothing any more."""
        self._sweeper.stop()

    def nudge(self) -> None:
        """Look into the catalog now."""
        self._sweeper.nudge()

    async def _waiting(self) -> Collection[type[Message]] | None:
        try:
            lengths = await asyncio.to_thread(waiting, self._app)
        except TransientError as exc:
            log.warning("broker.away", detail=exc.message)
            return None
        return [kind for kind, length in lengths.items() if length]

    async def _halt(self, job_ids: Collection[str]) -> None:
        # That no job is to stop any more is told once, so that those that go on are served at once.
        if job_ids or self._halted:
            try:
                await asyncio.to_thread(tell, self._app, job_ids)
            except TransientError as exc:
                log.warning("broker.away", detail=exc.message)
        self._halted = bool(job_ids)

    async def _send(self, message: Crawl | Transfer) -> None:
        try:
            await asyncio.to_thread(publish, self._app, message)
        except TransientError as exc:
            log.warning("broker.away", detail=exc.message)
            await self._catalog.write(lambda tx: give_back(tx, message))
            await self._sweeper.rest(REST_S)
