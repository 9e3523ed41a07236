"""How a transfer process is started: as a program of its own, or as a fork of this process."""

import os
import socket
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

from imageferry.subprocess_protocol.child_process import ChildProcess, spawn
from imageferry.subprocess_protocol.heartbeat import FILE_NUMBER, heartbeat_file

# How long a transfer process has to end after its connection was closed, which takes it no time; then it is killed.
END_S_MAX = 1.0


def spawn_transfer_process(module: str) -> ChildProcess:
    """Start a process that runs `main` of a module. Raises OSError when the machine has no room for it."""
    # Garbage collection during imports finds nothing: what they create stays. `main` enables it again.
    program = f"import gc; gc.disable(); from {module} import main; main()"
    # -P: import nothing from the current folder. A session of its own: the parent handles Ctrl-C for both.
    return spawn([sys.executable, "-P", "-c", program], environment=os.environ, own_session=True)


def fork(main: Callable[[], None], *, siblings: Iterable[ChildProcess] = ()) -> ChildProcess:
    """Fork this process and run `main` in the copy, which need not import again what is imported here.

    This process must have no other thread and no event loop. `siblings` are the forks made before: the copy closes
    their sockets, or it would keep them open after this process has ended. Raises OSError when the machine has no room.
    """
    parent_end, child_end = socket.socketpair()
    with child_end, heartbeat_file() as (heartbeat, heartbeat_number):
        try:
            process_id = os.fork()
        except OSError:
            parent_end.close()
            raise
        if process_id == 0:
            parent_end.close()
            for sibling in siblings:
                sibling.close_socket()
            _run_forked(main, child_end, heartbeat_number)
    return ChildProcess(process_id, parent_end, heartbeat=heartbeat)


def _run_forked(main: Callable[[], None], connection: socket.socket, heartbeat_number: int) -> NoReturn:
    try:
        os.setsid()
        for number in (0, 1):
            os.dup2(connection.fileno(), number)
        os.dup2(heartbeat_number, FILE_NUMBER)
        main()
    except BaseException:  # noqa: BLE001 - the code after fork() is the parent's and must not run here
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)
