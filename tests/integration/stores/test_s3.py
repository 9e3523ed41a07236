"""Imports into real S3 servers."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import Exit
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, Reason
from tests.drivers.import_flow import Flow
from tests.servers.s3_servers import Bucket, moto, rclone

pytestmark = pytest.mark.integration

LARGE_BYTES = 20 << 20  # three parts
_numbers = count(1)


@pytest.fixture(scope="module", params=[moto, rclone], ids=lambda server: server.__name__)
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens, of each kind in turn."""
    with request.param(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture
def flow(drive: StandIn, endpoint: str, tmp_path: Path) -> Flow:
    """Imports from `drive` into a place of the test's own."""
    bucket = Bucket(endpoint=endpoint, prefix=f"test {next(_numbers)}/ä")
    return Flow(drive=drive, home=tmp_path / "home", given=bucket.settings, held=bucket.held)


async def test_everything_is_stored_verified_and_a_second_import_moves_nothing(tree: Tree, flow: Flow) -> None:
    root = _album(tree)

    ending = await flow.run(root)
    await flow.holds_together(ending)
    flow.drive.requests.reset()
    again = await flow.run(root)

    objects, records = flow.objects(), await flow.records()
    assert (ending.exit, ending.job.stored) == (Exit.DONE, len(records))
    assert {file.id for file in tree.files()} == records.keys()
    for file in tree.files():
        assert file.content is not None
        assert objects[records[file.id].object_key] == file.content.read(0, file.content.size_bytes)
    assert (again.exit, again.job.unchanged, again.job.bytes_moved) == (Exit.DONE, len(records), 0)
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    await flow.holds_together(again)


async def test_a_changed_file_replaces_its_object(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"old")
    await flow.run(root)
    tree.replace_content(file, b"new content")

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    assert list(flow.objects().values()) == [b"new content"]
    await flow.holds_together(ending)


async def test_a_missing_bucket_is_refused_before_anything_is_written(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.given["store_url"] = "s3://nowhere/here"

    with pytest.raises(BlockedError, match="create the bucket") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_MISSING
    await _assert_nothing_happened(flow)


@pytest.mark.parametrize("endpoint", [rclone], indirect=True)  # moto accepts any credentials
async def test_wrong_credentials_are_refused_before_anything_is_written(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.given["aws_secret_access_key"] = "wrong"

    with pytest.raises(BlockedError, match="check its credentials") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_DENIED
    assert "wrong" not in refused.value.message
    await _assert_nothing_happened(flow)


async def test_a_server_that_is_not_there_is_said_to_be_away(tree: Tree, flow: Flow) -> None:
    root = _album(tree)
    flow.given["aws_endpoint_url"] = "http://127.0.0.1:9"

    with pytest.raises(BlockedError, match="does not answer") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    await _assert_nothing_happened(flow)


def _album(tree: Tree) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, 30, size_bytes=5_000)
    names = ("Grüße aus Köln.jpg", "日本.png", "a b+c%20d&e=f#1.jpg", "../up.jpg", "x\ny.jpg", "\N{GRINNING FACE}.gif")
    odd = tree.folder("Ödd/names", parent=root)
    for name in (*names, names[0]):
        tree.file(odd, name, content=name.encode(), mime_type="image/jpeg")
    tree.numbered_files(tree.folder("Large", parent=root), 1, size_bytes=LARGE_BYTES)
    return root


async def _assert_nothing_happened(flow: Flow) -> None:
    assert await flow.rows(jobs) == []
    assert flow.objects() == {}
    assert flow.drive.requests.count(Operation.MEDIA) == 0
