"""The log: events with fields. structlog is slow to import, so it is imported with the first event that is written."""

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from threading import RLock
from typing import Any

_context: ContextVar[Mapping[str, object]] = ContextVar("context")


def bind_context(fields: Mapping[str, object]) -> None:
    """Add these fields to every event of this task and the tasks that it starts. They replace those bound before."""
    _context.set(fields)


class Log:
    """Writes events; drops those below a level."""

    def __init__(self) -> None:
        self._level_min = logging.NOTSET
        self._set_up: Callable[[], None] | None = None
        self._lock = RLock()

    def configure(self, *, level_min: int, set_up: Callable[[], None]) -> None:
        """Write events of this `logging` level or a higher one. `set_up` is called before the first of them."""
        self._level_min, self._set_up = level_min, set_up

    def info(self, event: str, **fields: object) -> None:
        """Log something that an operator may want to know."""
        self.log(logging.INFO, event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Log a problem that is handled."""
        self.log(logging.WARNING, event, **fields)

    def exception(self, event: str, **fields: object) -> None:
        """Log a bug of ours, with the traceback of the exception that is being handled."""
        self.log(logging.ERROR, event, exc_info=True, **fields)

    def log(self, level: int, event: str, **fields: Any) -> None:  # noqa: ANN401 - structlog takes any value
        """Log an event at a level of `logging`."""
        if level < self._level_min:
            return
        import structlog  # noqa: PLC0415 - slow to import, see above

        if self._set_up is not None:
            self._set_up_once()
        structlog.get_logger().log(level, event, **{**_context.get({}), **fields})

    def _set_up_once(self) -> None:
        # Two threads may log their first events at the same time: neither is written before the set-up is done.
        with self._lock:
            if self._set_up is not None:
                self._set_up()
                self._set_up = None


log = Log()
