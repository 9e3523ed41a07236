"""The engine of one process: asyncio tasks, with the catalog for a memory."""

import asyncio
from collections.abc import Collection

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.sweep import reclaim, wake
from imageferry.engine.base import Stages, about
from imageferry.engine.sweep_loop import REST_S, SWEEP_EVERY_S, Sweeper
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Record
from imageferry.pipeline.stop_signal import Halts

# How long files that are under way have to come to their end when the engine stops; then downloads are broken
# off, and what is on its way into the store has the last of it.
GRACE_S = 3.0
LAST_GRACE_S = 5.0


class LocalEngine:
    """Runs every stage in this process. No other engine may work on the same catalog meanwhile (see lock.py).

    With `job_ids` it works on these jobs alone; else on every job of the catalog for its store.
    """

    def __init__(
        self,
        stages: Stages,
        *,
        catalog: Catalog,
        store_url: str,
        halts: Halts,
        terms: LeasePolicy,
        job_ids: Collection[str] | None = None,
        sweep_every_s: float = SWEEP_EVERY_S,
    ) -> None:
        self._stages = stages
        self._catalog = catalog
        self._halts = halts
        self._tasks: dict[asyncio.Task[None], Message] = {}
        self._sweeper = Sweeper(
            catalog,
            store_url=store_url,
            terms=terms,
            send=self._send,
            halt=self._halt,
            job_ids=job_ids,
            every_s=sweep_every_s,
        )

    async def run(self) -> None:
        """Take back what a process before this one left in flight, let jobs that wait try, then work until stopped."""
        await self._sweeper.patiently(self._begin)
        await self._sweeper.run()
        await self._wind_up()

    def stop(self) -> None:
        """Begin nothing any more."""
        self._halts.stop_all()
        self._sweeper.stop()

    def nudge(self) -> None:
        """Sweep now."""
        self._sweeper.nudge()

    async def _halt(self, job_ids: Collection[str]) -> None:
        self._halts.stop(job_ids)
        for task, message in self._tasks.items():
            if isinstance(message, Crawl) and message.job_id in job_ids:
                task.cancel()

    async def _begin(self) -> None:
        def change(tx: Tx) -> None:
            unfinished = self._sweeper.unfinished(tx)
            reclaim(tx, job_ids=unfinished)
            for job_id in unfinished:
                wake(tx, job_id)

        await self._catalog.write(change)

    async def _give_back(self) -> None:
        # A job that waits goes on waiting: whoever looks at it is to see what for.
        await self._catalog.write(lambda tx: reclaim(tx, job_ids=self._sweeper.unfinished(tx)))

    async def _send(self, message: Message) -> None:
        # Bounded by the ledger: it gives out no more than each job's window.
        task = asyncio.create_task(self._deliver(message))
        self._tasks[task] = message
        task.add_done_callback(self._tasks.pop)

    async def _deliver(self, message: Message) -> None:
        nothing_followed = True
        try:
            async for following in self._stages[type(message)](message):
                nothing_followed = False
                # What follows is in flight in the catalog already; a stopping engine gives it back at its end.
                if not self._halts.stopped or isinstance(following, Record):
                    await self._send(following)
            if nothing_followed and (len(self._tasks) == 1 or (isinstance(message, Record) and message.final)):
                self._sweeper.nudge()  # its part of the window may serve another job, or all of it is done
        except TransientError as exc:
            # The catalog is away. What it must be told is kept until it is back.
            log.warning("catalog.away", detail=exc.message)
            if isinstance(message, Record) and not self._halts.stopped:
                await self._sweeper.rest(REST_S)
                await self._send(message)
        except Exception:
            # The work stays in flight; when its lease runs out it is given out again, a bounded number of times.
            log.exception("stage.failed", message_kind=type(message).__name__, **about(message))

    async def _wind_up(self) -> None:
        """Let files that are under way come to their end, tell the catalog, and drop the rest."""
        for task, message in self._tasks.items():
            if isinstance(message, Crawl):
                task.cancel()
        await self._settle(within_s=GRACE_S)
        self._halts.break_off()
        await self._settle(within_s=LAST_GRACE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sweeper.patiently(self._give_back)

    async def _settle(self, *, within_s: float) -> None:
        ends_at = asyncio.get_running_loop().time() + within_s
        while self._tasks and (left_s := ends_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
