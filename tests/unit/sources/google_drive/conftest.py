"""A Drive with one folder and one picture, and both ways to see it."""

from collections.abc import AsyncIterator

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.model import File
from imageferry.sources.google_drive.api_source import GoogleDriveSource
from imageferry.sources.google_drive.config import Deadlines, GoogleDriveConfig
from imageferry.sources.google_drive.credentials import ApiKey
from imageferry.sources.google_drive.public_source import PublicFolderSource

PICTURE = bytes(range(256)) * 400


@pytest.fixture
def deadlines() -> Deadlines:
    """As they are by default: a slow machine is no slow Drive."""
    return Deadlines()


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
def root(tree: Tree) -> Node:
    return tree.folder("Holiday")


@pytest.fixture
def picture(tree: Tree, root: Node) -> Node:
    return tree.file(root, "a.jpg", content=PICTURE)


@pytest.fixture
def file(picture: Node) -> File:
    return File(id=picture.id, name="a.jpg", mime_type="image/jpeg", size_bytes=len(PICTURE))


@pytest.fixture
async def drive(tree: Tree, picture: Node) -> AsyncIterator[StandIn]:
    assert picture.id
    async with StandIn(tree) as served:
        yield served


@pytest.fixture
async def api(drive: StandIn, deadlines: Deadlines) -> AsyncIterator[GoogleDriveSource]:
    config = GoogleDriveConfig(endpoint=drive.url, deadlines=deadlines, cool_down_s=45)
    source = GoogleDriveSource(config, credentials=ApiKey(drive.api_key))
    yield source
    await source.close()


@pytest.fixture
async def public(drive: StandIn, deadlines: Deadlines) -> AsyncIterator[PublicFolderSource]:
    source = PublicFolderSource(GoogleDriveConfig(web_endpoint=drive.url, deadlines=deadlines, cool_down_s=45))
    yield source
    await source.close()


@pytest.fixture(params=["api", "public"])
def source(request: pytest.FixtureRequest) -> GoogleDriveSource | PublicFolderSource:
    found: GoogleDriveSource | PublicFolderSource = request.getfixturevalue(request.param)
    return found
