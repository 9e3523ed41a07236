"""Logs: events with fields, on stderr, as text or JSON."""

import logging
import sys
from functools import partial

from imageferry.log import log


def configure_logging(*, level: str, form: str) -> None:
    """Configure the logging of this process; `form` is `text` or `json`."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    log.configure(level_min=lowest, set_up=partial(_set_up, lowest=lowest, as_json=form == "json"))


def _set_up(*, lowest: int, as_json: bool) -> None:
    import structlog  # noqa: PLC0415 - long to import, and most commands log nothing

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            structlog.processors.JSONRenderer()
            if as_json
            # The default traceback shows the values of variables, including passwords.
            else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
