"""Fixtures for tests that import from the Drive test server; conftest modules that need them import them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.drivers.import_flow import ImportFlow


@pytest.fixture
def tree() -> Tree:
    """An empty Drive, to be filled by the test."""
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    """A running Drive test server that serves `tree`."""
    async with DriveTestServer(tree) as server:
        yield server


@pytest.fixture
def flow(drive: DriveTestServer, tmp_path: Path) -> ImportFlow:
    """Imports from `drive` into a folder of the test's own."""
    return ImportFlow(drive=drive, home=tmp_path / "home")
