"""Fixtures for tests that import from the Drive test server; conftest modules that need them import them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import Flow


@pytest.fixture
def tree() -> Tree:
    """An empty Drive, to be filled by the test."""
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """A running Drive test server that serves `tree`."""
    async with StandIn(tree) as server:
        yield server


@pytest.fixture
def flow(drive: StandIn, tmp_path: Path) -> Flow:
    """Imports from `drive` into a folder of the test's own."""
    return Flow(drive=drive, home=tmp_path / "home")
