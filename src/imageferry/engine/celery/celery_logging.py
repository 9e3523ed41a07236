"""What Celery and its libraries log, told as events of ours."""

import logging
import warnings

from celery.apps import worker
from celery.signals import setup_logging

from imageferry.log import log

# A worker that is root in its container is no news: only JSON is accepted.
_ROOT_WARNING = "You're running the worker with superuser privileges"


def tell_as_events(*, level: str) -> None:
    """Take over Celery's logging in this process and in those it forks."""
    warnings.filterwarnings("ignore", message=_ROOT_WARNING)
    # What it says of signals goes to stdout, past all logs.
    worker.safe_say = _say_nothing

    def take_over(**_: object) -> None:
        # A receiver of this signal is all that it takes: Celery then leaves the logs alone.
        root = logging.getLogger()
        root.handlers = [_Events()]
        # What it calls information, every task received and done among it, is for whoever looks for a fault.
        root.setLevel(logging.DEBUG if level.upper() == "DEBUG" else logging.WARNING)

    setup_logging.connect(take_over, weak=False)


def _say_nothing(*_: object) -> None:
    pass


class _Events(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelno if record.levelno >= logging.WARNING else logging.DEBUG
        log.tell(level, "celery.told", logger=record.name, detail=record.getMessage(), exc_info=record.exc_info)
