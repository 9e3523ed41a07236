"""Imports into a store that rejects, loses or damages objects, or is full."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, Reason
from imageferry.model import JobState
from imageferry.stores.keys import object_key
from tests.drivers.disks import remount, small_disk
from tests.drivers.import_flow import ImportFlow
from tests.servers.s3 import FakeS3, S3Fault, S3Operation

LARGE_BYTES = 20 << 20  # three parts
STORE_TRIES_MAX = 6  # of one call, including the first


@pytest.fixture
def flow(s3_flow: ImportFlow) -> ImportFlow:
    return s3_flow


@pytest.mark.parametrize("trouble", [S3Fault.SLOW_DOWN, S3Fault.RESET])
@pytest.mark.parametrize("on", [S3Operation.PUT, S3Operation.CREATE, S3Operation.PART, S3Operation.COMPLETE])
async def test_a_call_that_the_store_throttles_is_retried(
    tree: Tree, flow: ImportFlow, s3: FakeS3, on: S3Operation, trouble: S3Fault
) -> None:
    root = _album(tree, files=3)
    _large(tree, root)
    s3.add_fault(trouble, on=on, times=2)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 4)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    assert s3.uploads == {}
    await flow.assert_consistent(result)


async def test_a_job_waits_for_a_store_that_does_not_recover_and_the_same_command_resumes_it(
    tree: Tree, flow: ImportFlow, s3: FakeS3
) -> None:
    root = _album(tree, files=3)
    flow.setting_overrides["concurrency"] = 1
    s3.add_fault(S3Fault.SLOW_DOWN, on=S3Operation.PUT, after=1)

    waiting = await flow.run(root)
    puts = s3.operations[S3Operation.PUT]
    s3.clear_faults()
    result = await flow.run(root)

    assert (exit_code_for_result(waiting), waiting.job.state, waiting.job.stored) == (
        ExitCode.RETRYABLE,
        JobState.WAITING,
        1,
    )
    assert waiting.job.reason is Reason.STORE_UNAVAILABLE
    assert "can't be reached" in str(waiting.job.detail)
    assert puts <= 1 + STORE_TRIES_MAX
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 3)
    await flow.assert_consistent(result)


@pytest.mark.parametrize("on", [S3Operation.PUT, S3Operation.PART, S3Operation.COMPLETE])
async def test_a_response_lost_after_the_commit_leaves_one_object(
    tree: Tree, flow: ImportFlow, s3: FakeS3, on: S3Operation
) -> None:
    root = _album(tree, files=1)
    _large(tree, root)
    flow.setting_overrides["wait_s"] = 20
    s3.add_fault(S3Fault.LOST_RESPONSE, on=on, times=1)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 2)
    assert len(s3.objects) == 2
    assert s3.uploads == {}
    await flow.assert_consistent(result)


@pytest.mark.parametrize("e_tags", ["md5", "kms"])
@pytest.mark.parametrize("on", [S3Operation.PUT, S3Operation.PART])
async def test_bytes_that_the_store_damages_are_detected_and_put_again(
    tree: Tree, drive: DriveTestServer, tmp_path: Path, on: S3Operation, e_tags: str
) -> None:
    root = _album(tree, files=2)
    _large(tree, root)
    async with FakeS3(opaque_e_tags=e_tags == "kms") as s3:
        flow = ImportFlow(
            drive=drive, home=tmp_path / "home", setting_overrides=s3.settings, read_objects=s3.stored_objects
        )
        s3.add_fault(S3Fault.DAMAGED, on=on, times=1)

        result = await flow.run(root)

        assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 3)
        await flow.assert_consistent(result)


async def test_an_object_that_the_store_always_damages_fails_and_is_removed(
    tree: Tree, flow: ImportFlow, s3: FakeS3
) -> None:
    root = _album(tree, files=1)
    s3.add_fault(S3Fault.DAMAGED, on=S3Operation.PUT)

    result = await flow.run(root)

    (item,) = (await flow.items(result.job)).values()
    assert (exit_code_for_result(result), item.reason) == (ExitCode.RETRYABLE, Reason.CORRUPT)
    assert "The stored object has the checksum" in item.detail
    assert s3.objects == {}
    assert s3.operations[S3Operation.PUT] == 3
    await flow.assert_consistent(result)


async def test_objects_are_read_back_and_compared_where_etags_are_not_md5s(
    tree: Tree, drive: DriveTestServer, tmp_path: Path
) -> None:
    root = _album(tree, files=20)
    async with FakeS3(opaque_e_tags=True) as s3:
        flow = ImportFlow(
            drive=drive,
            home=tmp_path / "home",
            setting_overrides=s3.settings | {"concurrency": 1},
            read_objects=s3.stored_objects,
        )

        result = await flow.run(root)

        assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 20)
        assert s3.operations[S3Operation.GET] == 20
        await flow.assert_consistent(result)


async def test_a_missing_bucket_is_reported_before_anything_is_written(
    tree: Tree, drive: DriveTestServer, tmp_path: Path
) -> None:
    root = _album(tree, files=1)
    async with FakeS3(bucket=None) as s3:
        flow = ImportFlow(
            drive=drive, home=tmp_path / "home", setting_overrides=s3.settings, read_objects=s3.stored_objects
        )
        with pytest.raises(BlockedError, match="Create the bucket") as refused:
            await flow.run(root)

    assert refused.value.reason is Reason.STORE_MISSING
    assert await flow.rows(jobs) == []
    assert drive.requests.count(Operation.MEDIA) == 0


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (S3Fault.DENIED, (Reason.STORE_DENIED, "Grant them s3:PutObject")),
        (S3Fault.FULL, (Reason.STORE_FULL, "Free some space")),
    ],
)
async def test_a_job_waits_until_a_store_that_takes_no_objects_is_fixed(
    tree: Tree, flow: ImportFlow, s3: FakeS3, trouble: S3Fault, expected: tuple[Reason, str]
) -> None:
    reason, message = expected
    root = _album(tree, files=10)
    flow.setting_overrides["concurrency"] = 2
    s3.add_fault(trouble, on=S3Operation.PUT, after=4)

    waiting = await flow.run(root)
    await flow.assert_store_matches_catalog()
    s3.clear_faults()
    result = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason, waiting.job.stored) == (JobState.WAITING, reason, 4)
    assert message in str(waiting.job.detail)
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 10)
    await flow.assert_consistent(result)


async def test_a_file_name_is_not_mistaken_for_an_error_of_the_store(tree: Tree, flow: ImportFlow, s3: FakeS3) -> None:
    root = tree.folder("Root")
    tree.file(root, "AccessDenied, NoSuchBucket, credential, no space left.jpg", content=b"a")
    s3.add_fault(S3Fault.SLOW_DOWN, on=S3Operation.PUT)

    waiting = await flow.run(root)

    assert waiting.job.reason is Reason.STORE_UNAVAILABLE


@pytest.mark.parametrize("trouble", [S3Fault.SLOW_DOWN, S3Fault.RESET, S3Fault.DENIED])
async def test_a_failed_multipart_upload_is_aborted(tree: Tree, flow: ImportFlow, s3: FakeS3, trouble: S3Fault) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    s3.add_fault(trouble, on=S3Operation.PART, after=1)

    waiting = await flow.run(root)
    uploads_left = dict(s3.uploads)
    s3.clear_faults()
    result = await flow.run(root)

    assert (waiting.job.state, waiting.job.stored) == (JobState.WAITING, 0)
    assert uploads_left == {}
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    await flow.assert_consistent(result)


@pytest.mark.parametrize("kind", [Damage.FLIPPED_BIT, Damage.RESET_AT_END])
async def test_a_multipart_upload_whose_source_fails_is_aborted(
    tree: Tree, flow: ImportFlow, s3: FakeS3, kind: Damage
) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    flow.drive.faults.add(Fault(kind=kind))

    result = await flow.run(root)

    assert result.failures == {Reason.CORRUPT: 1}
    assert s3.objects == {}
    assert s3.uploads == {}
    await flow.assert_consistent(result)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A separate disk of 1 MiB."""
    with small_disk(tmp_path / "home" / "store") as point:
        yield point


async def test_a_job_waits_for_space_on_a_full_disk_without_leaving_a_partial_file(
    tree: Tree, drive: DriveTestServer, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=20, size_bytes=100_000)
    flow = ImportFlow(drive=drive, home=tmp_path / "home", setting_overrides={"wait_s": 0, "concurrency": 4})

    waiting = await flow.run(root)
    await flow.assert_store_matches_catalog()
    remount(disk, "size=8m")
    result = await flow.run(root)

    assert (exit_code_for_result(waiting), waiting.job.state, waiting.job.reason) == (
        ExitCode.RETRYABLE,
        JobState.WAITING,
        Reason.STORE_FULL,
    )
    assert "Free some space" in str(waiting.job.detail)
    assert 0 < waiting.job.stored < 20
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 20)
    await flow.assert_consistent(result)


async def test_a_large_file_that_does_not_fit_on_the_disk_leaves_no_part_of_it(
    tree: Tree, drive: DriveTestServer, disk: Path
) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    flow = ImportFlow(drive=drive, home=disk.parent, setting_overrides={"wait_s": 0})

    waiting = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.STORE_FULL)
    assert flow.objects() == {}


async def test_a_read_only_disk_is_reported_before_anything_is_written(
    tree: Tree, drive: DriveTestServer, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=1)
    flow = ImportFlow(drive=drive, home=tmp_path / "home")
    remount(disk, "ro")

    with pytest.raises(BlockedError, match="Check the owner and the permissions of the folder") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_DENIED
    assert await flow.rows(jobs) == []


async def test_a_job_waits_when_the_disk_becomes_read_only_during_the_import(
    tree: Tree, drive: DriveTestServer, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=5)
    flow = ImportFlow(drive=drive, home=tmp_path / "home")
    fault = Fault(kind=ErrorKind.UNAVAILABLE, file="4.jpg", times=4)
    drive.faults.add(fault)

    importing = asyncio.create_task(flow.run(root))
    while not drive.faults.injected[fault]:  # noqa: ASYNC110 - the test server has no event to wait for
        await asyncio.sleep(0.001)
    remount(disk, "ro")
    waiting = await importing
    await flow.assert_store_matches_catalog()
    remount(disk, "rw")
    result = await flow.run(root)

    assert (exit_code_for_result(waiting), waiting.job.reason) == (ExitCode.FATAL, Reason.STORE_DENIED)
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 5)
    await flow.assert_consistent(result)


def test_ids_that_differ_only_in_case_have_different_keys_on_a_case_insensitive_disk() -> None:
    keys = {
        object_key(folder_id="folder", file_id=file_id, name="a.jpg", folds_case=True).casefold()
        for file_id in ("1aBcDeF", "1AbCdEf", "1abcdef")
    }

    assert len(keys) == 3


def _album(tree: Tree, *, files: int, size_bytes: int = 1000) -> Node:
    root = tree.folder("Root")
    for number in range(files):
        tree.file(root, f"{number}.jpg", content=bytes([number]) * size_bytes)
    return root


def _large(tree: Tree, root: Node) -> None:
    folder = tree.folder("Large", parent=root)
    tree.numbered_files(folder, 1, size_bytes=LARGE_BYTES)
