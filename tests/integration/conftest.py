"""What the integration tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.brokers import KINDS_OF_BROKERS
from tests.flow import Flow
from tests.workers import Crew, crew_over


@pytest.fixture(params=KINDS_OF_BROKERS)
async def crew(request: pytest.FixtureRequest, flow: Flow, tmp_path: Path) -> AsyncIterator[Crew]:
    """A crew over one kind of broker, of nobody yet."""
    async with crew_over(request.param, flow, folder=tmp_path) as nobody:
        yield nobody
