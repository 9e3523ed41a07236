"""A test server with one folder and one image, and a source of each kind for it."""

from collections.abc import AsyncIterator

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.model import File
from imageferry.sources.google_drive.api_source import GoogleDriveSource
from imageferry.sources.google_drive.config import GoogleDriveConfig, Timeouts
from imageferry.sources.google_drive.credentials import ApiKey
from imageferry.sources.google_drive.public_source import PublicFolderSource

PICTURE = bytes(range(256)) * 400


@pytest.fixture
def timeouts() -> Timeouts:
    """The default timeouts, so that a slow machine does not fail a test."""
    return Timeouts()


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
async def drive(tree: Tree, picture: Node) -> AsyncIterator[DriveTestServer]:
    assert picture.id
    async with DriveTestServer(tree) as served:
        yield served


@pytest.fixture
async def api(drive: DriveTestServer, timeouts: Timeouts) -> AsyncIterator[GoogleDriveSource]:
    config = GoogleDriveConfig(endpoint=drive.url, timeouts=timeouts, cool_down_s=45)
    source = GoogleDriveSource(config, credentials=ApiKey(drive.api_key))
    yield source
    await source.close()


@pytest.fixture
async def public(drive: DriveTestServer, timeouts: Timeouts) -> AsyncIterator[PublicFolderSource]:
    source = PublicFolderSource(GoogleDriveConfig(web_endpoint=drive.url, timeouts=timeouts, cool_down_s=45))
    yield source
    await source.close()


@pytest.fixture(params=["api", "public"])
def source(request: pytest.FixtureRequest) -> GoogleDriveSource | PublicFolderSource:
    source: GoogleDriveSource | PublicFolderSource = request.getfixturevalue(request.param)
    return source
