"""What Celery and its libraries log, told as events of ours."""

import logging
import warnings

import structlog
from celery.signals import setup_logging

# A worker that is root in its container is no news: only JSON is accepted.
_ROOT_WARNING = "You're running the worker with superuser privileges"

log = structlog.get_logger()


def tell_as_events(*, level: str) -> None:
    """Take over Celery's logging in this process and in those it forks."""
    warnings.filterwarnings("ignore", message=_ROOT_WARNING)

    def take_over(**_: object) -> None:
        # A receiver of this signal is all that it takes: Celery then leaves the logs alone.
        root = logging.getLogger()
        root.handlers = [_Events()]
        root.setLevel(level.upper())

    setup_logging.connect(take_over, weak=False)


class _Events(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # What it calls information, every task received and done among it, is for whoever looks for a fault.
        level = record.levelno if record.levelno >= logging.WARNING else logging.DEBUG
        log.log(level, "celery.told", logger=record.name, detail=record.getMessage(), exc_info=record.exc_info)
