"""The logs of Celery and its libraries, as events of this project's log."""

import logging
import warnings

from celery.apps import worker
from celery.signals import setup_logging

from imageferry.log import log

# Harmless here: only JSON is accepted, and containers usually run as root.
_ROOT_WARNING = "You're running the worker with superuser privileges"


def log_celery_as_events(*, level: str) -> None:
    """Redirect Celery's logging, in this process and in those that it forks."""
    warnings.filterwarnings("ignore", message=_ROOT_WARNING)
    # Celery prints about signals to stdout, without logging.
    worker.safe_say = _discard

    def redirect(**_: object) -> None:
        # Celery leaves the logging alone when this signal has a receiver.
        root = logging.getLogger()
        root.handlers = [_EventHandler()]
        # Its INFO level logs every task twice, which only helps in debugging.
        root.setLevel(logging.DEBUG if level.upper() == "DEBUG" else logging.WARNING)

    setup_logging.connect(redirect, weak=False)


def _discard(*_: object) -> None:
    pass


class _EventHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelno if record.levelno >= logging.WARNING else logging.DEBUG
        log.log(level, "celery.log", logger=record.name, detail=record.getMessage(), exc_info=record.exc_info)
