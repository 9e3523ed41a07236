"""The parent's side of the protocol: start a child process, exchange frames with it, end it in bounded time."""

import asyncio
import os
import signal
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress

from imageferry.subprocess_protocol.framing import LENGTH, ConnectionLostError, decode_length, encode_frame
from imageferry.subprocess_protocol.heartbeat import FILE_NUMBER, Heartbeat, heartbeat_file


class ChildProcess:
    """A child process, and this process's end of the socket pair whose other end is the child's stdin and stdout.

    A process can be started before there is an event loop. `connect` needs one, and comes before sending and receiving.
    """

    _reader: StreamReader
    _writer: StreamWriter

    def __init__(self, process_id: int, socket_: socket.socket, *, heartbeat: Heartbeat) -> None:
        self.process_id = process_id
        self.heartbeat = heartbeat  # the child's
        self._socket = socket_
        self._close = socket_.close
        self._ending: asyncio.Task[None] | None = None

    def close_socket(self) -> None:
        """Close this end of the socket pair, in a fork of the process that started the child."""
        self._socket.close()

    async def connect(self) -> None:
        """Open the streams; call it once. If it fails or is cancelled, the process is killed."""
        try:
            self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        except BaseException:
            await self.end(grace_s=0)
            raise
        self._close = self._writer.close

    @property
    def is_connected(self) -> bool:
        """False once the child has ended, or closed the connection, and everything it sent was received."""
        return not (self._reader.at_eof() or self._reader.exception() or self._writer.is_closing())

    def post(self, body: bytes) -> None:
        """Send a frame without waiting for the child to read it; the caller bounds what it posts."""
        if self.is_connected:
            self._writer.write(encode_frame(body))

    async def send(self, body: bytes) -> None:
        """Send a frame, waiting while the child reads slowly. Raises ConnectionLostError."""
        if not self.is_connected:
            raise ConnectionLostError("The process has ended.")
        self._writer.write(encode_frame(body))
        try:
            await self._writer.drain()
        except ConnectionError as exc:
            raise ConnectionLostError("The process has ended.") from exc

    async def receive(self) -> bytes:
        """Return the body of the next frame. Raises ConnectionLostError."""
        try:
            size_bytes = decode_length(await self._reader.readexactly(LENGTH.size))
            return await self._reader.readexactly(size_bytes)
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            raise ConnectionLostError("The process has ended.") from exc

    def kill(self) -> None:
        """Kill the process, which `end` then waits for. Whatever it does, it can't prevent that."""
        if self._ending is None:
            with suppress(ProcessLookupError):
                os.kill(self.process_id, signal.SIGKILL)

    async def end(self, *, grace_s: float) -> None:
        """Close the connection and wait until the process has ended; kill it after `grace_s` seconds. Idempotent."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace_s))
        await asyncio.shield(self._ending)

    async def _end(self, grace_s: float) -> None:
        self._close()
        exited = asyncio.create_task(asyncio.to_thread(self._wait))
        if not (await asyncio.wait([exited], timeout=grace_s))[0]:
            with suppress(ProcessLookupError):
                os.kill(self.process_id, signal.SIGKILL)
        await exited

    def _wait(self) -> None:
        # Where SIGCHLD is ignored, which programs inherit, the system itself collects ended processes.
        with suppress(ChildProcessError):
            os.waitpid(self.process_id, 0)


def spawn(
    command: list[str], *, environment: Mapping[str, str], own_session: bool, silent: bool = False
) -> ChildProcess:
    """Start a program. Raises OSError when the machine has no memory, files or processes left.

    `own_session`: Ctrl-C in the terminal does not reach it. `silent`: its stderr is discarded.
    """
    parent_end, child_end = socket.socketpair()
    with child_end, heartbeat_file() as (heartbeat, heartbeat_number):
        actions: list[tuple[object, ...]] = [(os.POSIX_SPAWN_DUP2, child_end.fileno(), number) for number in (0, 1)]
        actions.append((os.POSIX_SPAWN_DUP2, heartbeat_number, FILE_NUMBER))
        if silent:
            actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0))
        try:
            process_id = os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=own_session)
        except OSError:
            parent_end.close()
            raise
    return ChildProcess(process_id, parent_end, heartbeat=heartbeat)
