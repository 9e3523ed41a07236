"""The engine of one machine: each message is an asyncio task, and the state is in the catalog."""

import asyncio
from collections.abc import Collection, Mapping

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.catalog.ledger.sweep import requeue_in_flight, resume_waiting
from imageferry.engine.base import Stages, log_fields
from imageferry.engine.sweep_loop import RETRY_PAUSE_S, SWEEP_INTERVAL_S, SweepLoop
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Record
from imageferry.pipeline.stop_signal import StopSignals

# When the engine stops, files in progress have GRACE_S to finish. Then downloads are cancelled, and uploads have
# UPLOAD_GRACE_S more.
GRACE_S = 3.0
UPLOAD_GRACE_S = 5.0


class LocalEngine:
    """Runs every stage from this process. No other engine may work on the same catalog at the same time (lock.py).

    With `job_ids` it works on these jobs only; otherwise on every job of the catalog for its store.
    """

    workers: Mapping[type[Message], int] = {}

    def __init__(
        self,
        stages: Stages,
        *,
        catalog: Catalog,
        store_url: str,
        stop_signals: StopSignals,
        lease_policy: LeasePolicy,
        job_ids: Collection[str] | None = None,
        sweep_interval_s: float = SWEEP_INTERVAL_S,
    ) -> None:
        self._stages = stages
        self._catalog = catalog
        self._stop_signals = stop_signals
        self._tasks: dict[asyncio.Task[None], Message] = {}
        self._sweep_loop = SweepLoop(
            catalog,
            store_url=store_url,
            lease_policy=lease_policy,
            send=self._send,
            stop_jobs=self._stop_jobs,
            job_ids=job_ids,
            interval_s=sweep_interval_s,
        )

    async def run(self) -> None:
        """Requeue what an earlier process left in flight, resume jobs that wait, then work until stopped."""
        await self._sweep_loop.retry_while_unavailable(self._recover)
        await self._sweep_loop.run()
        await self._shut_down()

    def stop(self) -> None:
        """See Engine.stop."""
        self._stop_signals.stop_all()
        self._sweep_loop.stop()

    def wake(self) -> None:
        """See Engine.wake."""
        self._sweep_loop.wake()

    async def _stop_jobs(self, job_ids: Collection[str]) -> None:
        self._stop_signals.stop_jobs(job_ids)
        for task, message in self._tasks.items():
            if isinstance(message, Crawl) and message.job_id in job_ids:
                task.cancel()

    async def _recover(self) -> None:
        def change(tx: Tx) -> None:
            unfinished = self._sweep_loop.unfinished_job_ids(tx)
            requeue_in_flight(tx, job_ids=unfinished)
            for job_id in unfinished:
                resume_waiting(tx, job_id)

        await self._catalog.write(change)

    async def _requeue(self) -> None:
        # A waiting job stays so: its reason must remain visible.
        await self._catalog.write(lambda tx: requeue_in_flight(tx, job_ids=self._sweep_loop.unfinished_job_ids(tx)))

    async def _send(self, message: Message) -> None:
        # Bounded by the ledger: it dispatches no more than each job's credit.
        task = asyncio.create_task(self._deliver(message))
        self._tasks[task] = message
        task.add_done_callback(self._tasks.pop)

    async def _deliver(self, message: Message) -> None:
        yielded_nothing = True
        try:
            async for next_message in self._stages[type(message)](message):
                yielded_nothing = False
                # What follows is in flight in the catalog already; a stopping engine requeues it before it ends.
                if not self._stop_signals.is_stopping or isinstance(next_message, Record):
                    await self._send(next_message)
            if yielded_nothing and (len(self._tasks) == 1 or (isinstance(message, Record) and message.is_final)):
                self._sweep_loop.wake()  # its credit may serve another job, or its job may be complete
        except TransientError as exc:
            # A record is kept and written once the catalog is available again.
            log.warning("catalog.unavailable", detail=exc.message)
            if isinstance(message, Record) and not self._stop_signals.is_stopping:
                await self._sweep_loop.pause(RETRY_PAUSE_S)
                await self._send(message)
        except Exception:
            # The work stays in flight; when its lease expires it is dispatched again, a bounded number of times.
            log.exception("stage.failed", message_kind=type(message).__name__, **log_fields(message))

    async def _shut_down(self) -> None:
        """Let files in progress finish and record them, then requeue the rest."""
        for task, message in self._tasks.items():
            if isinstance(message, Crawl):
                task.cancel()
        await self._wait_for_tasks(timeout_s=GRACE_S)
        self._stop_signals.abort_downloads()
        await self._wait_for_tasks(timeout_s=UPLOAD_GRACE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sweep_loop.retry_while_unavailable(self._requeue)

    async def _wait_for_tasks(self, *, timeout_s: float) -> None:
        ends_at_s = asyncio.get_running_loop().time() + timeout_s
        while self._tasks and (left_s := ends_at_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
