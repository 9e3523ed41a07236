"""The process that moves bytes, begun before the one that needs it has imported what it needs itself."""

import sys
import threading
from contextlib import suppress

from imageferry.bootstrap.mover import main
from imageferry.engine.mover.process import Process, fork
from imageferry.settings import Settings


def mover_ahead(settings: Settings) -> Process | None:
    """A process for a mover, forked, for which there may be no event loop yet.

    None: none is needed, for a broker has workers; or it cannot be had now, and whoever needs it starts one.
    """
    # Elsewhere the system's own libraries do not survive a fork.
    if settings.celery_broker_url is None and sys.platform == "linux" and threading.active_count() == 1:
        with suppress(OSError):
            return fork(main)
    return None
