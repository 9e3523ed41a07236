"""Transfer processes, forked before this process imports what they do not need.

Measured in docs/performance.md: it saves the 0.2 s of CPU that a process started from scratch takes to import.
"""

import sys
import threading
from contextlib import suppress

from imageferry.bootstrap.transfer_process import main
from imageferry.engine.transfer_process.process import fork
from imageferry.settings import Settings
from imageferry.subprocess_protocol.child_process import ChildProcess


def prefork_transfer_processes(settings: Settings) -> list[ChildProcess]:
    """Fork the transfer processes of the local engine; call it before there is an event loop.

    Returns none when the settings name a broker, whose workers transfer. May return fewer than the settings ask for:
    the engine starts those that are missing.
    """
    processes: list[ChildProcess] = []
    # Linux only: on other systems the system's own libraries do not survive a fork.
    if settings.celery_broker_url is None and sys.platform == "linux" and threading.active_count() == 1:
        with suppress(OSError):
            while len(processes) < settings.transfer_processes:
                processes.append(fork(main, siblings=processes))
    return processes
