"""The log: events with fields. What writes them takes long to import, and is imported for the first that is written."""

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from threading import RLock
from typing import Any

_about: ContextVar[Mapping[str, object]] = ContextVar("about")


def all_is_about(fields: Mapping[str, object]) -> None:
    """Have all that is logged in the present task, and in those it begins, carry these fields and no others."""
    _about.set(fields)


class Log:
    """Told of events; those below a level are not written."""

    def __init__(self) -> None:
        self._lowest = logging.NOTSET
        self._prepare: Callable[[], None] | None = None
        self._turn = RLock()

    def configure(self, *, lowest: int, prepare: Callable[[], None]) -> None:
        """Write from this level of `logging` on; `prepare` sets the writer up, before the first event."""
        self._lowest, self._prepare = lowest, prepare

    def info(self, event: str, **fields: object) -> None:
        """Something that whoever operates this may wish to know."""
        self.tell(logging.INFO, event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something that does not go as it should, and is dealt with."""
        self.tell(logging.WARNING, event, **fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error of our own that is being handled, with where it comes from."""
        self.tell(logging.ERROR, event, exc_info=True, **fields)

    def tell(self, level: int, event: str, **fields: Any) -> None:  # noqa: ANN401 - as structlog has it
        """An event of any level."""
        if level < self._lowest:
            return
        import structlog  # noqa: PLC0415 - see above

        if self._prepare is not None:
            self._set_up()
        structlog.get_logger().log(level, event, **{**_about.get({}), **fields})

    def _set_up(self) -> None:
        # Two threads may have a first event to tell at once; none is told before the writer stands.
        with self._turn:
            if self._prepare is not None:
                self._prepare()
                self._prepare = None


log = Log()
