"""The processes that decode: few, started when there is work, ended when there is none, killed when they fail."""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Self

import msgspec
from msgspec import Struct

from imageferry.errors import Reason, TransientError
from imageferry.thumbnails.protocol import (
    FRAME_BYTES_MAX,
    LENGTH,
    Answer,
    Drawn,
    Order,
    UnreadableError,
)

_STOPPING = "The gateway is stopping."
_NO_ROOM = "The machine is too busy to make a thumbnail: try again later."
_DIED = "It cannot be decoded: the process that tried to was ended."


class Bounds(Struct, frozen=True, kw_only=True):
    """What decoding may take."""

    processes: int = 2
    waiting: int = 256  # pictures, beyond which more are turned away
    memory_bytes: int = 1536 * 1024 * 1024  # of address space, for each process
    cpu_s: int = 20  # for each picture
    wall_s: float = 60  # the same, on a machine that is busy with other things
    file_bytes: int = 256 * 1024 * 1024
    idle_s: float = 30  # then a process ends


class Pool:
    """Decoding processes; `close` ends them."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self._free = asyncio.Semaphore(self.bounds.processes)
        self._waiting = 0
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._ends: set[asyncio.Task[None]] = set()
        self._closed = False

    async def draw(self, chunks: AsyncIterator[bytes], order: Order) -> Drawn:
        """The thumbnail of a file that comes in chunks.

        Raises UnreadableError when none can be made of it, TransientError when too many wait or the machine is too
        busy, and what the chunks raise.
        """
        if self._waiting >= self.bounds.waiting or self._closed:
            raise TransientError(Reason.BUSY, "Too many thumbnails are being made: try again soon.", retry_after_s=2)
        self._waiting += 1
        try:
            async with self._free:
                if self._closed:
                    raise TransientError(Reason.BUSY, _STOPPING, retry_after_s=2)
                return await self._drawn_by(await self._child(), chunks, order)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End all processes; what they were at raises TransientError."""
        self._closed = True
        await asyncio.gather(*(child.end() for child in tuple(self._children)), *self._ends)

    async def _child(self) -> "_Child":
        while self._idle:
            child = self._idle.pop()
            child.wake()
            if child.alive:
                return child
            self._retire(child)
        child = await _Child.start(self.bounds)
        if self._closed:  # meanwhile
            await child.end()
            raise TransientError(Reason.BUSY, _STOPPING, retry_after_s=2)
        self._children.add(child)
        try:
            await child.ready(within_s=self.bounds.wall_s)
        except BaseException:
            self._retire(child)
            raise
        return child

    async def _drawn_by(self, child: "_Child", chunks: AsyncIterator[bytes], order: Order) -> Drawn:
        try:
            answer = await child.carry_out(chunks, order, wall_s=self.bounds.wall_s)
        except BaseException as exc:
            self._retire(child)
            if isinstance(exc, _DiedError) and self._closed:
                raise TransientError(Reason.BUSY, _STOPPING, retry_after_s=2) from exc
            raise
        child.rest(self.bounds.idle_s, then=self._retire)
        self._idle.append(child)
        if answer.drawn is None:
            raise UnreadableError(answer.why_not)
        return answer.drawn

    def _retire(self, child: "_Child") -> None:
        self._children.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        end = asyncio.get_running_loop().create_task(child.end())
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)


class _DiedError(UnreadableError):
    """The process ended in the middle of a picture: by a bound, by a decoder's fault, or by somebody's hand."""


class _Child:
    """One process, which carries out one order after another."""

    def __init__(self, process: Process, *, orders: StreamWriter, answers: StreamReader) -> None:
        self._process = process
        self._orders = orders
        self._answers = answers
        self._reads = asyncio.Lock()
        self._resting: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, bounds: Bounds) -> Self:
        words = (bounds.memory_bytes, bounds.cpu_s, bounds.file_bytes)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",  # nothing of the folder or the environment we were started in
                "-m",
                "imageferry.thumbnails.worker",
                *map(str, words),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                # No secrets; and no address space set apart for each thread of a decoder.
                env={"MALLOC_ARENA_MAX": "1"},
            )
        except OSError as exc:  # no memory, no files, no processes left
            raise TransientError(Reason.BUSY, _NO_ROOM, retry_after_s=30) from exc
        if process.stdin is None or process.stdout is None:
            raise AssertionError("unreachable: both are pipes")
        return cls(process, orders=process.stdin, answers=process.stdout)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ready(self, *, within_s: float) -> None:
        """Wait until it takes orders: what goes wrong before is no picture's fault."""
        try:
            async with asyncio.timeout(within_s):
                await self._frame()
        except (TimeoutError, _DiedError) as exc:
            raise TransientError(Reason.BUSY, _NO_ROOM, retry_after_s=30) from exc

    async def carry_out(self, chunks: AsyncIterator[bytes], order: Order, *, wall_s: float) -> Answer:
        await self._send(msgspec.msgpack.encode(order))
        async for chunk in chunks:
            if chunk:
                await self._send(chunk)
        await self._send(b"")
        try:
            async with asyncio.timeout(wall_s):
                return await self._answer()
        except TimeoutError as exc:
            raise TransientError(Reason.BUSY, _NO_ROOM, retry_after_s=30) from exc

    def rest(self, idle_s: float, *, then: Callable[[Self], None]) -> None:
        """Do nothing, and after so long call `then`."""
        self._resting = asyncio.get_running_loop().call_later(idle_s, then, self)

    def wake(self) -> None:
        if self._resting is not None:
            self._resting.cancel()

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self.wake()
        with suppress(ProcessLookupError):
            self._process.kill()
        # Also reads what is left in its pipes, and closes them. Whoever waits for an answer sees their end first.
        async with self._reads:
            await self._process.communicate()

    async def _send(self, frame: bytes) -> None:
        try:
            self._orders.write(LENGTH.pack(len(frame)) + frame)
            await self._orders.drain()
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise _DiedError(_DIED) from exc

    async def _answer(self) -> Answer:
        try:
            return msgspec.msgpack.decode(await self._frame(), type=Answer)
        except msgspec.DecodeError as exc:
            raise _DiedError(_DIED) from exc

    async def _frame(self) -> bytes:
        try:
            async with self._reads:
                (size_bytes,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
                if size_bytes > FRAME_BYTES_MAX:
                    raise _DiedError(_DIED)
                return await self._answers.readexactly(size_bytes)
        except asyncio.IncompleteReadError as exc:
            raise _DiedError(_DIED) from exc
