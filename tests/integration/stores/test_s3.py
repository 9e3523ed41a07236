"""Imports into real S3 servers."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.entries import Node
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, Reason
from tests.drivers.import_flow import ImportFlow
from tests.servers.s3_servers import Bucket, moto, rclone

pytestmark = pytest.mark.integration

LARGE_BYTES = 20 << 20  # three parts
_numbers = count(1)


@pytest.fixture(scope="module", params=[moto, rclone], ids=lambda server: server.__name__)
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of each server."""
    with request.param(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture
def flow(drive: DriveTestServer, endpoint: str, tmp_path: Path) -> ImportFlow:
    """Imports from `drive` into a prefix of the test's own."""
    bucket = Bucket(endpoint=endpoint, prefix=f"test {next(_numbers)}/ä")
    return ImportFlow(
        drive=drive, home=tmp_path / "home", setting_overrides=bucket.settings, read_objects=bucket.stored_objects
    )


async def test_everything_is_stored_verified_and_a_second_import_transfers_nothing(
    tree: Tree, flow: ImportFlow
) -> None:
    root = _album(tree)

    result = await flow.run(root)
    await flow.assert_consistent(result)
    flow.drive.requests.reset()
    second = await flow.run(root)

    objects, records = flow.objects(), await flow.records()
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, len(records))
    assert {file.id for file in tree.files()} == records.keys()
    for file in tree.files():
        assert file.content is not None
        assert objects[records[file.id].object_key] == file.content.read(0, file.content.size_bytes)
    assert (exit_code_for_result(second), second.job.unchanged, second.job.bytes_transferred) == (
        ExitCode.SUCCESS,
        len(records),
        0,
    )
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    await flow.assert_consistent(second)


async def test_a_changed_file_replaces_its_object(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"old")
    await flow.run(root)
    tree.replace_content(file, b"new content")

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    assert list(flow.objects().values()) == [b"new content"]
    await flow.assert_consistent(result)


async def test_a_missing_bucket_is_reported_before_anything_is_written(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.setting_overrides["store_url"] = "s3://nowhere/here"

    with pytest.raises(BlockedError, match="Create the bucket") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_MISSING
    await _assert_nothing_happened(flow)


@pytest.mark.parametrize("endpoint", [rclone], indirect=True)  # moto accepts any credentials
async def test_wrong_credentials_are_reported_before_anything_is_written(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.setting_overrides["aws_secret_access_key"] = "wrong"

    with pytest.raises(BlockedError, match="Check AWS_SECRET_ACCESS_KEY") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_DENIED
    assert "wrong" not in refused.value.message
    await _assert_nothing_happened(flow)


async def test_a_server_that_does_not_run_is_reported_as_unreachable(tree: Tree, flow: ImportFlow) -> None:
    root = _album(tree)
    flow.setting_overrides["aws_endpoint_url"] = "http://127.0.0.1:9"

    with pytest.raises(BlockedError, match="can't be reached") as refused:
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


async def _assert_nothing_happened(flow: ImportFlow) -> None:
    assert await flow.rows(jobs) == []
    assert flow.objects() == {}
    assert flow.drive.requests.count(Operation.MEDIA) == 0
