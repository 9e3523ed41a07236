"""The local engine's side of a transfer process: sends it transfers, and replaces it when it is lost."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import msgspec

from imageferry.engine.transfer_process.process import END_S_MAX, spawn_transfer_process
from imageferry.engine.transfer_process.protocol import Command, Reply, encode
from imageferry.engine.watchdog import CHECK_INTERVAL_S, SilenceTimer, record_of_hung
from imageferry.errors import Reason
from imageferry.log import log
from imageferry.model import Record, Transfer
from imageferry.pipeline.stop_signal import StopSignal, StopSignals
from imageferry.subprocess_protocol.child_process import ChildProcess
from imageferry.subprocess_protocol.framing import ConnectionLostError

# A process that is not ready after this time, which is plenty even for a slow machine, is killed.
START_S_MAX = 60.0


class TransferProcess:
    """The transfer stage in another process, which ends with this one, and is replaced when it hangs.

    The process runs `main` of `module` and is first sent `config`. `preforked` is a process that runs it already.
    It hangs when its event loop does not run for `silence_s_max` seconds. `on_metrics` is called with the metrics of
    each reply that has some. `spawn` starts a process for a module.
    """

    def __init__(
        self,
        module: str,
        *,
        config: object,
        stop_signals: StopSignals,
        silence_s_max: float,
        preforked: ChildProcess | None = None,
        on_metrics: Callable[[Any], None] | None = None,
        spawn: Callable[[str], ChildProcess] = spawn_transfer_process,
    ) -> None:
        self._module = module
        self._config = config
        self._stop_signals = stop_signals
        self._silence_s_max = silence_s_max
        self._on_metrics = on_metrics
        self._spawn = spawn
        self._starting = asyncio.Lock()
        self._preforked = preforked
        self._current: _RunningProcess | None = None

    async def start(self) -> None:
        """Start the process before the first transfer needs it; on failure the first transfer tries again."""
        with suppress(OSError):
            await self._running()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        """Run the transfer stage.

        The final record of a batch has `worker_lost` when its process ended in the middle of it, and `blocked_reason`
        when the process could not be started. `record_of_hung` has what follows when it hung.
        """
        with self._stop_signals.register(message.job_id) as stop_signal:
            if stop_signal.stop_requested.is_set():
                yield message.empty_final_record()
                return
            try:
                process = await self._running()
            except OSError as exc:
                detail = f"The transfer process can't be started: {exc.strerror}."
                yield message.empty_final_record(blocked_reason=Reason.TRANSFER_PROCESS_FAILED, blocked_detail=detail)
                return
            forwarding = asyncio.create_task(_forward_stop(process, message.job_id, stop_signal))
            try:
                async for record in process.transfer(message):
                    yield record
            finally:
                forwarding.cancel()

    @property
    def is_responding(self) -> bool:
        """False while the process does not respond."""
        return self._current is None or self._current.is_responding

    async def close(self) -> None:
        """End the process, even in the middle of transfers; idempotent."""
        async with self._starting:
            if self._current is not None:
                await self._current.end()

    async def _running(self) -> "_RunningProcess":
        async with self._starting:
            if self._current is not None and self._current.is_lost:
                await self._current.end()
                self._current = None
            if self._current is None:
                process, self._preforked = self._preforked or self._spawn(self._module), None
                await process.connect()
                timer = SilenceTimer(process.heartbeat, silence_s_max=self._silence_s_max)
                self._current = _RunningProcess(
                    process, timer=timer, stop_signals=self._stop_signals, on_metrics=self._on_metrics
                )
                self._current.send(self._config)
            return self._current


async def _forward_stop(process: "_RunningProcess", job_id: str, stop_signal: StopSignal) -> None:
    await stop_signal.stop_requested.wait()
    process.send(Command(stop_job_id=job_id))
    await stop_signal.downloads_aborted.wait()
    process.send(Command(abort_job_id=job_id))


class _RunningProcess:
    """One process and the transfers that it has in progress."""

    def __init__(
        self,
        process: ChildProcess,
        *,
        timer: SilenceTimer,
        stop_signals: StopSignals,
        on_metrics: Callable[[Any], None] | None,
    ) -> None:
        self.is_lost = False
        self._is_ready = False
        self._hung_items: frozenset[int] | None = None  # None: it did not hang
        self._process = process
        self._timer = timer
        self._stop_signals = stop_signals
        self._on_metrics = on_metrics
        self._numbers = itertools.count()
        self._records: dict[int, asyncio.Queue[Record | None]] = {}
        self._reading = asyncio.create_task(self._read())
        self._watching = asyncio.create_task(self._watch())

    def send(self, message: object) -> None:
        self._process.post(encode(message))

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        number = next(self._numbers)
        records = self._records[number] = asyncio.Queue()
        try:
            if self.is_lost:  # since `_running` returned it
                records.put_nowait(None)
            self.send(Command(number=number, transfer=message))
            while (record := await records.get()) is not None:
                yield record
                if record.is_final:
                    return
            if self._hung_items is not None:
                yield record_of_hung(message, item_ids=self._hung_items)
            elif self._is_ready:
                yield message.empty_final_record(worker_lost=True)
            else:
                detail = "The transfer process ended before it was ready: its log says why."
                yield message.empty_final_record(blocked_reason=Reason.TRANSFER_PROCESS_FAILED, blocked_detail=detail)
        finally:
            del self._records[number]

    @property
    def is_responding(self) -> bool:
        return self.is_lost or self._timer.is_responding

    async def end(self) -> None:
        await self._process.end(grace_s=END_S_MAX)
        await self._reading

    async def _watch(self) -> None:
        for checks in itertools.count():
            await asyncio.sleep(CHECK_INTERVAL_S)
            self._timer.observe()
            never_ready = not self._is_ready and checks * CHECK_INTERVAL_S > START_S_MAX
            if never_ready or self._timer.has_expired(is_stopping=self._stop_signals.is_stopping):
                log.warning("transfer_process.hung", process_id=self._process.process_id)
                self._hung_items = self._process.heartbeat.item_ids if self._is_ready else None
                self._process.kill()
                break

    async def _read(self) -> None:
        try:
            while True:
                self._handle(msgspec.msgpack.decode(await self._process.receive(), type=Reply))
        except ConnectionLostError:
            pass
        finally:
            self.is_lost = True
            self._watching.cancel()
            for records in self._records.values():
                records.put_nowait(None)

    def _handle(self, reply: Reply) -> None:
        if reply.record is None:
            self._is_ready = True
            return
        if reply.number in self._records:
            self._records[reply.number].put_nowait(reply.record)
        if reply.metrics is not None and self._on_metrics is not None:
            self._on_metrics(reply.metrics)
