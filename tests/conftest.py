"""What all tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.flow import Flow


@pytest.fixture
def tree() -> Tree:
    """An empty Drive, to be filled by the test."""
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    """The Drive stand-in that serves `tree`."""
    async with StandIn(tree) as standing_in:
        yield standing_in


@pytest.fixture
def flow(drive: StandIn, tmp_path: Path) -> Flow:
    """Imports from `drive` into a folder of the test's own."""
    return Flow(drive=drive, home=tmp_path / "home")
