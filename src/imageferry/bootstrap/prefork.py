"""The processes that move bytes, begun before the one that needs them has imported what it needs itself."""

import sys
import threading
from contextlib import suppress

from imageferry.bootstrap.transfer_process import main
from imageferry.engine.transfer_process.process import Process, fork
from imageferry.settings import Settings


def movers_ahead(settings: Settings) -> list[Process]:
    """Processes for movers, forked, for which there may be no event loop yet.

    None are needed where a broker has workers; for those that cannot be had now, whoever needs them starts others.
    """
    ahead: list[Process] = []
    # Elsewhere the system's own libraries do not survive a fork.
    if settings.celery_broker_url is None and sys.platform == "linux" and threading.active_count() == 1:
        with suppress(OSError):
            while len(ahead) < settings.movers:
                ahead.append(fork(main, beside=ahead))
    return ahead
