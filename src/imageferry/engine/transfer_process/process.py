"""The process itself: how it is begun, and how it ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

# How long a mover has to notice that nobody needs it any more.
END_WITHIN_S = 5.0


class Process:
    """A process with a socket for its stdin and stdout, in a session of its own: Ctrl-C is for us to hear."""

    def __init__(self, process_id: int, socket_: socket.socket) -> None:
        self._process_id = process_id
        self._socket = socket_
        self._ended = False

    def forget(self) -> None:
        """Close our end of its socket, in a copy of the process that began it."""
        self._socket.close()

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The ways from it and to it, once."""
        return await asyncio.open_connection(sock=self._socket)

    async def end(self) -> None:
        """Wait until it has noticed that nobody can tell it anything any more, or kill it; idempotent."""
        if self._ended:
            return
        self._ended = True
        waiting = asyncio.create_task(asyncio.to_thread(os.waitpid, self._process_id, 0))
        if not (await asyncio.wait([waiting], timeout=END_WITHIN_S))[0]:
            with suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
        await waiting


def spawn(module: str) -> Process:
    """A process that runs a module's `main`; OSError when the machine has no room for it."""
    # What is imported stays: nobody need look for garbage in it.
    program = f"import gc; gc.disable(); from {module} import main; main()"
    ours, theirs = socket.socketpair()
    with theirs:
        actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), number) for number in (0, 1)]
        # -P: nothing of the folder that we were started in.
        command = [sys.executable, "-P", "-c", program]
        try:
            process_id = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
        except OSError:
            ours.close()
            raise
    return Process(process_id, ours)


def fork(main: Callable[[], None], *, beside: Iterable[Process] = ()) -> Process:
    """A copy of this process that runs `main`: what is imported here it need not import.

    This process may have no other thread, and no event loop. It has forked `beside` before: their sockets are not for
    the copy, or they would not end with us. OSError when the machine has no room for the copy.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process_id = os.fork()
        except OSError:
            ours.close()
            raise
        if process_id == 0:
            ours.close()
            for other in beside:
                other.forget()
            _become(main, theirs)
    return Process(process_id, ours)


def _become(main: Callable[[], None], theirs: socket.socket) -> NoReturn:
    try:
        os.setsid()
        for number in (0, 1):
            os.dup2(theirs.fileno(), number)
        main()
    except BaseException:  # noqa: BLE001 - what follows below is the other process's
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)
