"""A pool of worker processes: started on demand, ended when idle, killed and replaced when an image crashes them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Self

import msgspec
from msgspec import Struct

from imageferry.errors import Reason, TransientError
from imageferry.log import log
from imageferry.subprocess_protocol.child_process import ChildProcess, spawn
from imageferry.subprocess_protocol.framing import ConnectionLostError
from imageferry.thumbnails.protocol import RenderedThumbnail, RenderRequest, RenderResult, UnreadableError

_STOPPING = "The gateway is stopping."
_BUSY = "The machine is too busy to make a thumbnail. Try again later."
_CRASHED = "It can't be decoded: the process that tried was ended."


class RenderLimits(Struct, frozen=True, kw_only=True):
    """Limits of rendering."""

    processes: int = 2
    waiting_max: int = 256  # images; further requests are refused
    memory_bytes_max: int = 1536 * 1024 * 1024  # of address space, for each process
    cpu_s_max: int = 20  # of CPU time, for each image
    wall_s_max: float = 60  # of wall time, for each image: longer, because the machine may be busy
    file_bytes_max: int = 256 * 1024 * 1024
    idle_s_max: float = 30  # after which an idle process is ended


class WorkerPool:
    """Worker processes; `close` ends them."""

    def __init__(self, limits: RenderLimits | None = None) -> None:
        self.limits = limits or RenderLimits()
        self._slots = asyncio.Semaphore(self.limits.processes)
        self._waiting = 0
        self._idle: list[_Worker] = []
        self._workers: set[_Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._warned = False

    @property
    def process_ids(self) -> list[int]:
        """The ids of the worker processes."""
        return [worker.process_id for worker in self._workers]

    async def render(self, chunks: AsyncIterator[bytes], request: RenderRequest) -> RenderedThumbnail:
        """Render the thumbnail of a file that arrives in chunks.

        Raises UnreadableError when none can be made, TransientError when too many requests wait or the machine is too
        busy, and whatever the chunks raise.
        """
        if self._waiting >= self.limits.waiting_max or self._is_closed:
            message = "Too many thumbnails are being made. Try again soon."
            raise TransientError(Reason.OVERLOADED, message, retry_after_s=2)
        self._waiting += 1
        try:
            async with self._slots:
                if self._is_closed:
                    raise TransientError(Reason.OVERLOADED, _STOPPING, retry_after_s=2)
                return await self._render_with(await self._get_worker(), chunks, request)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End all processes; requests in progress raise TransientError."""
        self._is_closed = True
        await asyncio.gather(*(worker.end() for worker in tuple(self._workers)), *self._ending)

    async def _get_worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            worker.cancel_idle_timer()
            if worker.is_alive:
                return worker
            self._retire(worker)
        worker = await _Worker.start(self.limits)
        if self._is_closed:  # while it started
            await worker.end()
            raise TransientError(Reason.OVERLOADED, _STOPPING, retry_after_s=2)
        self._workers.add(worker)
        try:
            problem = await worker.wait_until_ready(timeout_s=self.limits.wall_s_max)
        except BaseException:
            self._retire(worker)
            raise
        if problem and not self._warned:
            self._warned = True
            log.warning("thumbnails.system_calls_not_restricted", detail=problem)
        return worker

    async def _render_with(
        self, worker: "_Worker", chunks: AsyncIterator[bytes], request: RenderRequest
    ) -> RenderedThumbnail:
        try:
            result = await worker.render(chunks, request, timeout_s=self.limits.wall_s_max)
        except BaseException as exc:
            self._retire(worker)
            if isinstance(exc, _WorkerCrashedError) and self._is_closed:
                raise TransientError(Reason.OVERLOADED, _STOPPING, retry_after_s=2) from exc
            raise
        worker.start_idle_timer(self.limits.idle_s_max, on_timeout=self._retire)
        self._idle.append(worker)
        if result.thumbnail is None:
            raise UnreadableError(result.error)
        return result.thumbnail

    def _retire(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        ending = asyncio.get_running_loop().create_task(worker.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _WorkerCrashedError(UnreadableError):
    """The process ended in the middle of an image: it exceeded a limit, a decoder crashed, or something killed it."""


class _Worker:
    """One worker process, which carries out one request after another."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self._idle_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, limits: RenderLimits) -> Self:
        # -I: import nothing from the current folder or from paths that the environment names.
        command = [sys.executable, "-I", "-m", "imageferry.thumbnails.worker"]
        command += map(str, (limits.memory_bytes_max, limits.cpu_s_max, limits.file_bytes_max))
        # No secrets. One malloc arena: each further one would reserve address space, which is limited.
        environment = {"MALLOC_ARENA_MAX": "1"}
        try:
            process = spawn(command, environment=environment, own_session=False, silent=True)
        except OSError as exc:  # no memory, files or processes left
            raise TransientError(Reason.OVERLOADED, _BUSY, retry_after_s=30) from exc
        await process.connect()
        return cls(process)

    @property
    def process_id(self) -> int:
        return self._process.process_id

    @property
    def is_alive(self) -> bool:
        return self._process.is_connected

    async def wait_until_ready(self, *, timeout_s: float) -> str:
        """Wait until it accepts requests. Return why its system calls are not restricted; empty when they are.

        What goes wrong before is not an image's fault: raises TransientError.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return (await self._process.receive()).decode()
        except (TimeoutError, ConnectionLostError) as exc:
            raise TransientError(Reason.OVERLOADED, _BUSY, retry_after_s=30) from exc

    async def render(self, chunks: AsyncIterator[bytes], request: RenderRequest, *, timeout_s: float) -> RenderResult:
        await self._send(msgspec.msgpack.encode(request))
        async for chunk in chunks:
            if chunk:
                await self._send(chunk)
        await self._send(b"")
        try:
            async with asyncio.timeout(timeout_s):
                return msgspec.msgpack.decode(await self._process.receive(), type=RenderResult)
        except TimeoutError as exc:
            raise TransientError(Reason.OVERLOADED, _BUSY, retry_after_s=30) from exc
        except (ConnectionLostError, msgspec.DecodeError) as exc:
            raise _WorkerCrashedError(_CRASHED) from exc

    def start_idle_timer(self, idle_s: float, *, on_timeout: Callable[[Self], None]) -> None:
        self._idle_timer = asyncio.get_running_loop().call_later(idle_s, on_timeout, self)

    def cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    async def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.cancel_idle_timer()
        await self._process.end(grace_s=0)

    async def _send(self, body: bytes) -> None:
        try:
            await self._process.send(body)
        except ConnectionLostError as exc:
            raise _WorkerCrashedError(_CRASHED) from exc
