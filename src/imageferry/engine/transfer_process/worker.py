"""What runs in a transfer process: it carries out transfers until its parent closes the connection."""

import asyncio
import ctypes
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import msgspec

from imageferry.engine.base import Stage, log_fields
from imageferry.engine.transfer_process.protocol import Command, Reply, encode
from imageferry.engine.watchdog import beat_forever
from imageferry.log import log
from imageferry.model import Record, Transfer
from imageferry.pipeline.stop_signal import StopSignals
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.subprocess_protocol.parent_connection import ParentConnection

PROCESS_NAME = b"ferry-transfer"  # shown in process lists; Linux keeps 15 bytes
_PR_SET_NAME = 15


def set_title() -> None:
    """Name this process PROCESS_NAME in process lists; a no-op where prctl does not exist."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME, 0, 0, 0)


def ignore_interrupts() -> None:
    """Ignore SIGINT and SIGTERM: the parent lets files in progress finish, then closes the connection."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


async def serve(
    connection: ParentConnection, *, transfer: Stage, limits: TransferLimits, take_metrics: Callable[[], Any]
) -> None:
    """Carry out the parent's commands; never returns.

    When the connection is lost the process exits at once, even in the middle of a file. `take_metrics` returns the
    metrics that go with the next reply.
    """
    worker = _TransferWorker(connection, transfer=transfer, stop_signals=limits.stop_signals, take_metrics=take_metrics)
    reader = threading.Thread(target=worker.read_commands, args=[asyncio.get_running_loop()], daemon=True)
    reader.start()
    connection.send(encode(Reply()))
    await beat_forever(limits.heartbeat)


class _TransferWorker:
    def __init__(
        self,
        connection: ParentConnection,
        *,
        transfer: Stage,
        stop_signals: StopSignals,
        take_metrics: Callable[[], Any],
    ) -> None:
        self._connection = connection
        self._transfer = transfer
        self._stop_signals = stop_signals
        self._take_metrics = take_metrics
        self._tasks: set[asyncio.Task[None]] = set()
        # One thread: replies keep their order, and the event loop does not wait for a parent that reads slowly.
        self._sender = ThreadPoolExecutor(max_workers=1)

    def read_commands(self, loop: asyncio.AbstractEventLoop) -> None:
        while (body := self._connection.receive()) is not None:
            loop.call_soon_threadsafe(self._handle, msgspec.msgpack.decode(body, type=Command))
        # The parent has ended or closed the connection; the ledger dispatches again what is in progress here.
        os._exit(0)

    def _handle(self, command: Command) -> None:
        if command.transfer is not None:
            registration = ExitStack()
            # Registered now and not when the stage starts: the next command may stop this job.
            registration.enter_context(self._stop_signals.register(command.transfer.job_id))
            task = asyncio.create_task(self._run(command.number, command.transfer, registration))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if command.stop_job_id is not None and (stop_signal := self._stop_signals.get(command.stop_job_id)):
            stop_signal.request_stop()
        if command.abort_job_id is not None and (stop_signal := self._stop_signals.get(command.abort_job_id)):
            stop_signal.abort_downloads()

    async def _run(self, number: int, message: Transfer, registration: ExitStack) -> None:
        with registration:
            try:
                async for record in self._transfer(message):
                    if isinstance(record, Record):  # the transfer stage yields nothing else
                        await self._send(Reply(number=number, record=record, metrics=self._take_metrics()))
            except Exception:
                log.exception("stage.failed", message_kind="Transfer", **log_fields(message))
                await self._send(Reply(number=number, record=message.empty_final_record(worker_lost=True)))

    async def _send(self, reply: Reply) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._sender, self._send_blocking, reply)

    def _send_blocking(self, reply: Reply) -> None:
        self._connection.send(encode(reply))
