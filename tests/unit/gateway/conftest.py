"""Logging as `serve` configures it: structlog's own default renders each traceback for seconds."""

import pytest

from imageferry.telemetry.logs import configure_logging


@pytest.fixture(autouse=True, scope="session")
def _logging() -> None:
    configure_logging(level="warning", form="json")
