"""Logs: events with fields, on stderr, as text or JSON."""

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING

from imageferry.log import log
from imageferry.printable import printable

if TYPE_CHECKING:
    from structlog.typing import Processor


def configure_logging(*, level: str, form: str) -> None:
    """Configure the logging of this process; `form` is `text` or `json`."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    log.configure(level_min=lowest, set_up=partial(_set_up, lowest=lowest, as_json=form == "json"))


def _set_up(*, lowest: int, as_json: bool) -> None:
    import structlog  # noqa: PLC0415 - long to import, and most commands log nothing

    renderers: list[Processor]
    if as_json:
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # The default traceback shows the values of variables, including passwords.
        as_text = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        renderers = [as_text, _printable_lines]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _printable_lines(_logger: object, _method: str, text: object) -> str:
    return "\n".join(map(printable, str(text).split("\n")))  # a traceback has several
