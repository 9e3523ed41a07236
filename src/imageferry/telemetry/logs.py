"""Logs: events with fields, on stderr, as text for people or as JSON for machines."""

import logging
import sys

import stamina.instrumentation
import structlog

from imageferry.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Set up the logs of this process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    as_json = settings.log_format == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if as_json else []),
            structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # The rooms log what they try again, in their own words.
    stamina.instrumentation.set_on_retry_hooks([])
