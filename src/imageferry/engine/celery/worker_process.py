"""A process of a worker: it passes messages to their stages, and sends the messages that follow."""

import asyncio
import os
import threading
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

from billiard import current_process
from celery import Celery
from celery.exceptions import Reject

from imageferry.engine.base import Stages, log_fields
from imageferry.engine.celery.app import publish
from imageferry.engine.celery.stop_signals import StopFlag, StopList
from imageferry.engine.watchdog import beat_forever
from imageferry.errors import ImageferryError, TransientError
from imageferry.log import log
from imageferry.model import Crawl, Message, Record, Transfer
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.runtime import loop_factory, retain_freed_memory
from imageferry.subprocess_protocol.heartbeat import Heartbeat
from imageferry.subprocess_protocol.parent_death import end_with_parent

POLL_INTERVAL_S = 0.2
# When the worker stops, work in progress has GRACE_S to finish. Then downloads are cancelled, and uploads and messages
# have UPLOAD_GRACE_S more.
GRACE_S = 3.0
UPLOAD_GRACE_S = 4.0
# A process that must end and has not after this time exits: the worker starts no other in its slot before.
END_S_MAX = 10.0
# How often a message is sent, with a pause, when the broker does not accept it.
SEND_TRIES_MAX = 20
RETRY_PAUSE_S = 3.0


class OpenStages(Protocol):
    """Opens the stages and their dependencies, within a worker process.

    `slot` numbers the processes of a worker from 0; the replacement of a process that ended gets its slot.
    """

    def __call__(self, *, transfer_limits: TransferLimits, slot: int) -> AbstractAsyncContextManager[Stages]:
        """Return a context manager that opens the stages, and closes them when it ends."""
        ...


class MakeTransferLimits(Protocol):
    """Makes the limits that all transfers of a worker process share."""

    def __call__(self, *, heartbeat: Heartbeat) -> TransferLimits:
        """Return the limits, with the heartbeat of the process."""
        ...


class WorkerProcess:
    """What a worker process keeps from message to message: an event loop, the stages and their dependencies.

    `open` creates all of it after the fork, because neither connections nor event loops survive a fork.
    """

    def __init__(
        self,
        app: Celery,
        *,
        open_stages: OpenStages,
        make_transfer_limits: MakeTransferLimits,
        stop_flag: StopFlag,
        stop_list: StopList,
        heartbeats: Sequence[Heartbeat],
    ) -> None:
        self._app = app
        self._open_stages = open_stages
        self._make_transfer_limits = make_transfer_limits
        self._stop_flag = stop_flag
        self._stop_list = stop_list
        self._heartbeats = heartbeats  # by slot
        self._worker_id = os.getpid()

    def open(self, **_: object) -> None:
        """Create the event loop and open the stages, retrying while their dependencies are unavailable."""
        end_with_parent()
        if os.getppid() != self._worker_id:
            os._exit(1)
        retain_freed_memory()
        self._slot: int = current_process().index
        self._heartbeat = self._heartbeats[self._slot]
        self._heartbeat.start()
        self._runner = asyncio.Runner(loop_factory=loop_factory())
        self._transfer_limits = self._make_transfer_limits(heartbeat=self._heartbeat)
        self._exit_stack = AsyncExitStack()
        self._stages: Stages = self._runner.run(self._open())

    def close(self, **_: object) -> None:
        """Close everything, even in the middle of a message: Celery ends its processes when it loses the broker."""
        exit_timer = threading.Timer(END_S_MAX, os._exit, [1])
        exit_timer.daemon = True
        exit_timer.start()
        self._runner.run(self._close())
        self._runner.close()

    def deliver(self, message: Message) -> None:
        """Pass a message to its stage, and send what follows. Raises Reject when another process must handle it."""
        try:
            self._runner.run(self._until_stopped(message))
        except TransientError as exc:
            log.warning("catalog.unavailable", detail=exc.message, **log_fields(message))
            raise Reject(exc.message, requeue=True) from exc
        except asyncio.CancelledError as exc:
            raise Reject("The worker is stopping.", requeue=True) from exc
        except Exception:
            # Its work stays in flight; when its lease expires it is dispatched again, a bounded number of times.
            log.exception("stage.failed", message_kind=type(message).__name__, **log_fields(message))

    def requeue(self, message: Transfer) -> None:
        """Requeue the batch of a lost process in the ledger, which counts that: the batch may be the reason."""
        log.info("batch.requeued", **log_fields(message))
        self._runner.run(self._send(message.empty_final_record(worker_lost=True)))

    async def _open(self) -> Stages:
        while not self._stop_flag.is_set:
            try:
                return await self._exit_stack.enter_async_context(
                    self._open_stages(transfer_limits=self._transfer_limits, slot=self._slot)
                )
            except ImageferryError as exc:
                log.warning("worker.start_delayed", detail=exc.message)
            except Exception:  # or Celery would use a process without stages, and lose its messages
                log.exception("worker.start_delayed")
            await asyncio.sleep(RETRY_PAUSE_S)
        raise SystemExit

    async def _close(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._exit_stack.aclose()

    async def _until_stopped(self, message: Message) -> None:
        stage = asyncio.create_task(self._serve(message))
        stopping = asyncio.create_task(self._stop_with_worker(stage, can_abort=isinstance(message, Transfer)))
        stopping_job = asyncio.create_task(self._stop_with_job(stage, message))
        beating = asyncio.create_task(beat_forever(self._heartbeat))
        try:
            await stage
        except asyncio.CancelledError:
            if not (isinstance(message, Crawl) and stopping_job.done()):
                raise
        finally:
            stopping.cancel()
            stopping_job.cancel()
            beating.cancel()
            self._heartbeat.rest()

    async def _serve(self, message: Message) -> None:
        async for next_message in self._stages[type(message)](message):
            if isinstance(next_message, Record) and Record in self._stages:
                await self._record(next_message)
            else:
                await self._send(next_message)

    async def _record(self, message: Record) -> None:
        """Write outcomes in the process that transferred; send them to the broker while the catalog is unavailable."""
        try:
            await self._serve(message)
        except TransientError as exc:
            log.warning("catalog.unavailable", detail=exc.message, **log_fields(message))
            await self._send(message)

    async def _send(self, message: Message) -> None:
        for tries in range(1, SEND_TRIES_MAX + 1):
            try:
                return await asyncio.to_thread(publish, self._app, message)
            except TransientError as exc:
                log.warning("broker.unavailable", detail=exc.message, tries=tries, **log_fields(message))
            await asyncio.sleep(RETRY_PAUSE_S)
        return None  # it is in flight in the catalog: the sweep dispatches it again

    async def _stop_with_job(self, stage: "asyncio.Task[None]", message: Message) -> None:
        """Stop a stage once its job must stop; a page whose listing is cancelled is listed again later."""
        while isinstance(message, Record) or not self._stop_list.contains(message.job_id):  # noqa: ASYNC110 - another process sets it
            await asyncio.sleep(POLL_INTERVAL_S)
        if isinstance(message, Transfer):
            self._transfer_limits.stop_signals.stop_jobs([message.job_id])
        else:
            stage.cancel()

    async def _stop_with_worker(self, stage: "asyncio.Task[None]", *, can_abort: bool) -> None:
        """Stop a stage once the worker stops; a transfer can be aborted, and reports what it has not done."""
        while not self._stop_flag.is_set:  # noqa: ASYNC110 - another process sets it
            await asyncio.sleep(POLL_INTERVAL_S)
        self._transfer_limits.stop_signals.stop_all()
        await asyncio.sleep(GRACE_S)
        if can_abort:
            self._transfer_limits.stop_signals.abort_downloads()
            await asyncio.sleep(UPLOAD_GRACE_S)
        stage.cancel()
