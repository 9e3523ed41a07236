"""Captured log events."""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from structlog.testing import capture_logs

from imageferry.log import log


@contextmanager
def capture_log_events() -> Iterator[list[MutableMapping[str, Any]]]:
    """Capture all log events until the context ends, even if an earlier test of this process configured the log."""
    log.configure(level_min=logging.NOTSET, set_up=lambda: None)
    with capture_logs() as events:
        yield events
