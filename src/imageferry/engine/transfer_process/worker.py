"""The far end: a process that carries out transfers until nobody can tell it any."""

import asyncio
import ctypes
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO

import msgspec

from imageferry.engine.base import Stage, about
from imageferry.engine.transfer_process.protocol import LENGTH, Order, Told, frame
from imageferry.log import log
from imageferry.model import Record, Transfer
from imageferry.pipeline.stop_signal import Halts

PROCESS_NAME = b"ferry-transfer"  # shown in process lists; Linux keeps 15 bytes
_PR_SET_NAME = 15


def set_title() -> None:
    """Name this process PROCESS_NAME in process lists; a no-op where prctl does not exist."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_NAME, PROCESS_NAME, 0, 0, 0)


class Pipes:
    """The ways to and from whoever began this process; what libraries print goes to stderr."""

    def __init__(self) -> None:
        # Whoever began us lets us end what is under way, and ends us when that is done.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        self._orders: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._answers: BinaryIO = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def read(self) -> bytes | None:
        """The next frame; None when there will be no other."""
        try:
            head = self._orders.read(LENGTH.size)
            if len(head) < LENGTH.size:
                return None
            (size_bytes,) = LENGTH.unpack(head)
            body = self._orders.read(size_bytes)
        except ConnectionError:  # whoever was there has ended without reading all that we said
            return None
        return body if len(body) == size_bytes else None

    def write(self, message: object) -> None:
        """Say something; whoever has ended meanwhile need not hear it, and there will be no other orders then."""
        with suppress(ConnectionError):
            self._answers.write(frame(message))
            self._answers.flush()


async def serve(pipes: Pipes, *, transfer: Stage, halts: Halts, seen: Callable[[], Any]) -> None:
    """Carry out what is ordered; does not return: when orders end, so does the process, in the midst of a file too."""
    carrier = _Carrier(pipes, transfer=transfer, halts=halts, seen=seen)
    reader = threading.Thread(target=carrier.read, args=[asyncio.get_running_loop()], daemon=True)
    reader.start()
    pipes.write(Told())
    await asyncio.Event().wait()


class _Carrier:
    def __init__(self, pipes: Pipes, *, transfer: Stage, halts: Halts, seen: Callable[[], Any]) -> None:
        self._pipes = pipes
        self._transfer = transfer
        self._halts = halts
        self._seen = seen
        self._tasks: set[asyncio.Task[None]] = set()
        self._pen = ThreadPoolExecutor(max_workers=1)  # in turn, and nobody waits for who reads slowly

    def read(self, loop: asyncio.AbstractEventLoop) -> None:
        while (body := self._pipes.read()) is not None:
            loop.call_soon_threadsafe(self._take, msgspec.msgpack.decode(body, type=Order))
        # Without a word to anybody: there is nobody, and what is under way is given out again.
        os._exit(0)

    def _take(self, order: Order) -> None:
        if order.transfer is not None:
            under_way = ExitStack()
            # From now on, and not when the stage begins: a halt may be the next order.
            under_way.enter_context(self._halts.under(order.transfer.job_id))
            task = asyncio.create_task(self._carry_out(order.number, order.transfer, under_way))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if order.halted is not None and (halt := self._halts.of(order.halted)):
            halt.wish()
        if order.broken_off is not None and (halt := self._halts.of(order.broken_off)):
            halt.break_off()

    async def _carry_out(self, number: int, message: Transfer, under_way: ExitStack) -> None:
        with under_way:
            try:
                async for following in self._transfer(message):
                    if isinstance(following, Record):  # a transfer has no others
                        await self._tell(Told(number=number, record=following, seen=self._seen()))
            except Exception:
                log.exception("stage.failed", message_kind="Transfer", **about(message))
                await self._tell(Told(number=number, record=message.given_back(lost=True)))

    async def _tell(self, told: Told) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pen, self._pipes.write, told)
