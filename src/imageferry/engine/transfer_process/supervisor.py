"""The near end: gives transfers to a process of their own, which is started again when it is lost."""

import asyncio
import itertools
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import msgspec

from imageferry.engine.transfer_process.process import Process, spawn
from imageferry.engine.transfer_process.protocol import LENGTH, Order, Told, frame
from imageferry.errors import Reason
from imageferry.model import Record, Transfer
from imageferry.pipeline.stop_signal import Halt, Halts


class Mover:
    """The transfer stage, in a process that ends with this one.

    `module` is what the process runs, `outfit` the first thing that it is told, `ahead` a process that was started for
    it already. What is seen in it is passed to `seen`.
    """

    def __init__(
        self,
        module: str,
        *,
        outfit: object,
        halts: Halts,
        ahead: Process | None = None,
        seen: Callable[[Any], None] | None = None,
    ) -> None:
        self._module = module
        self._outfit = outfit
        self._halts = halts
        self._seen = seen
        self._starting = asyncio.Lock()
        self._ahead = ahead
        self._child: _Child | None = None

    async def begin(self) -> None:
        """Begin the process now, so that the first transfer need not wait; if it cannot be, that one tries again."""
        with suppress(OSError):
            await self._running()

    async def transfer(self, message: Transfer) -> AsyncIterator[Record]:
        """See the transfer stage. A batch whose process is lost is given back as lost; `blocked`: it never began."""
        with self._halts.under(message.job_id) as halt:
            if halt.wished.is_set():
                yield message.given_back()
                return
            try:
                child = await self._running()
            except OSError as exc:
                detail = f"No process can be started: {exc.strerror}."
                yield message.given_back(blocked=Reason.NO_PROCESS, detail=detail)
                return
            halting = asyncio.create_task(_halt(child, message.job_id, halt))
            try:
                async for record in child.carry_out(message):
                    yield record
            finally:
                halting.cancel()

    async def close(self) -> None:
        """End the process, and with it what it was at; idempotent."""
        async with self._starting:
            if self._child is not None:
                await self._child.end()

    async def _running(self) -> "_Child":
        async with self._starting:
            if self._child is not None and self._child.lost:
                await self._child.end()
                self._child = None
            if self._child is None:
                process, self._ahead = self._ahead or spawn(self._module), None
                self._child = _Child(process, *await process.streams(), seen=self._seen)
                self._child.tell(self._outfit)
            return self._child


async def _halt(child: "_Child", job_id: str, halt: Halt) -> None:
    """Pass on the wish that a job's work comes to its end."""
    await halt.wished.wait()
    child.tell(Order(halted=job_id))
    await halt.broken_off.wait()
    child.tell(Order(broken_off=job_id))


class _Child:
    """The process, and the transfers that it is at."""

    def __init__(
        self, process: Process, answers: StreamReader, orders: StreamWriter, *, seen: Callable[[Any], None] | None
    ) -> None:
        self.lost = False
        self._begun = False
        self._process = process
        self._orders = orders
        self._seen = seen
        self._numbers = itertools.count()
        self._records: dict[int, asyncio.Queue[Record | None]] = {}
        self._reading = asyncio.create_task(self._read(answers))

    def tell(self, message: object) -> None:
        if not self.lost:
            self._orders.write(frame(message))

    async def carry_out(self, message: Transfer) -> AsyncIterator[Record]:
        number = next(self._numbers)
        records = self._records[number] = asyncio.Queue()
        try:
            if self.lost:  # meanwhile
                records.put_nowait(None)
            self.tell(Order(number=number, transfer=message))
            while (record := await records.get()) is not None:
                yield record
                if record.final:
                    return
            if self._begun:
                yield message.given_back(lost=True)
            else:
                detail = "The process that moves the bytes ended before it could: its log says why."
                yield message.given_back(blocked=Reason.NO_PROCESS, detail=detail)
        finally:
            del self._records[number]

    async def end(self) -> None:
        self._orders.close()
        await self._process.end()
        await self._reading

    async def _read(self, answers: StreamReader) -> None:
        try:
            while True:
                (size_bytes,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
                self._hear(msgspec.msgpack.decode(await answers.readexactly(size_bytes), type=Told))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.lost = True
            for records in self._records.values():
                records.put_nowait(None)

    def _hear(self, told: Told) -> None:
        if told.record is None:
            self._begun = True
            return
        if told.number in self._records:
            self._records[told.number].put_nowait(told.record)
        if told.seen is not None and self._seen is not None:
            self._seen(told.seen)
