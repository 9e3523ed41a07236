"""What the store refuses, loses, damages and has no room for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import Exit
from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, Reason
from imageferry.model import JobState
from imageferry.stores.keys import object_key
from tests.drivers.disks import remount, small_disk
from tests.drivers.import_flow import Flow
from tests.servers.s3 import S3, Call, Trouble

LARGE_BYTES = 20 << 20  # three parts
STORE_TRIES_MAX = 6  # of one call, the first included


@pytest.fixture
async def s3() -> AsyncIterator[S3]:
    async with S3() as server:
        yield server


@pytest.fixture
def flow(drive: StandIn, s3: S3, tmp_path: Path) -> Flow:
    """Imports from `drive` into `s3`."""
    return Flow(drive=drive, home=tmp_path / "home", given=s3.settings | {"patience_s": 0}, held=s3.held)


@pytest.mark.parametrize("trouble", [Trouble.SLOW_DOWN, Trouble.RESET])
@pytest.mark.parametrize("on", [Call.PUT, Call.BEGIN, Call.PART, Call.COMPLETE])
async def test_a_store_that_asks_to_slow_down_is_asked_again(
    tree: Tree, flow: Flow, s3: S3, on: Call, trouble: Trouble
) -> None:
    root = _album(tree, files=3)
    _large(tree, root)
    s3.goes_wrong(trouble, on=on, times=2)

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 4)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    assert s3.uploads == {}
    await flow.holds_together(ending)


async def test_a_store_that_never_recovers_lets_the_job_wait_and_the_same_command_goes_on(
    tree: Tree, flow: Flow, s3: S3
) -> None:
    root = _album(tree, files=3)
    flow.given["concurrency"] = 1
    s3.goes_wrong(Trouble.SLOW_DOWN, on=Call.PUT, after=1)

    waiting = await flow.run(root)
    puts = s3.calls[Call.PUT]
    s3.recovers()
    ending = await flow.run(root)

    assert (waiting.exit, waiting.job.state, waiting.job.stored) == (Exit.RETRYABLE, JobState.WAITING, 1)
    assert waiting.job.reason is Reason.STORE_UNAVAILABLE
    assert "does not answer as it should" in str(waiting.job.detail)
    assert puts <= 1 + STORE_TRIES_MAX
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 3)
    await flow.holds_together(ending)


@pytest.mark.parametrize("on", [Call.PUT, Call.PART, Call.COMPLETE])
async def test_an_answer_that_is_lost_after_the_commit_leaves_one_object(
    tree: Tree, flow: Flow, s3: S3, on: Call
) -> None:
    root = _album(tree, files=1)
    _large(tree, root)
    flow.given["patience_s"] = 20
    s3.goes_wrong(Trouble.LOST_ANSWER, on=on, times=1)

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 2)
    assert len(s3.objects) == 2
    assert s3.uploads == {}
    await flow.holds_together(ending)


@pytest.mark.parametrize("e_tags", ["md5", "kms"])
@pytest.mark.parametrize("on", [Call.PUT, Call.PART])
async def test_bytes_that_the_store_damages_are_found_out_and_put_again(
    tree: Tree, drive: StandIn, tmp_path: Path, on: Call, e_tags: str
) -> None:
    root = _album(tree, files=2)
    _large(tree, root)
    async with S3(opaque_e_tags=e_tags == "kms") as s3:
        flow = Flow(drive=drive, home=tmp_path / "home", given=s3.settings, held=s3.held)
        s3.goes_wrong(Trouble.DAMAGED, on=on, times=1)

        ending = await flow.run(root)

        assert (ending.exit, ending.job.stored) == (Exit.DONE, 3)
        await flow.holds_together(ending)


async def test_an_object_that_the_store_always_damages_fails_and_is_removed(tree: Tree, flow: Flow, s3: S3) -> None:
    root = _album(tree, files=1)
    s3.goes_wrong(Trouble.DAMAGED, on=Call.PUT)

    ending = await flow.run(root)

    (item,) = (await flow.items(ending.job)).values()
    assert (ending.exit, item.reason) == (Exit.RETRYABLE, Reason.CORRUPT)
    assert "The store holds bytes of the digest" in item.detail
    assert s3.objects == {}
    assert s3.calls[Call.PUT] == 3
    await flow.holds_together(ending)


async def test_where_etags_are_no_digests_each_object_is_read_back_and_compared(
    tree: Tree, drive: StandIn, tmp_path: Path
) -> None:
    root = _album(tree, files=20)
    async with S3(opaque_e_tags=True) as s3:
        flow = Flow(drive=drive, home=tmp_path / "home", given=s3.settings | {"concurrency": 1}, held=s3.held)

        ending = await flow.run(root)

        assert (ending.exit, ending.job.stored) == (Exit.DONE, 20)
        assert s3.calls[Call.GET] == 20
        await flow.holds_together(ending)


async def test_a_missing_bucket_is_refused_before_anything_is_written(
    tree: Tree, drive: StandIn, tmp_path: Path
) -> None:
    root = _album(tree, files=1)
    async with S3(bucket=None) as s3:
        flow = Flow(drive=drive, home=tmp_path / "home", given=s3.settings, held=s3.held)
        with pytest.raises(BlockedError, match="create the bucket") as refused:
            await flow.run(root)

    assert refused.value.reason is Reason.STORE_MISSING
    assert await flow.rows(jobs) == []
    assert drive.requests.count(Operation.MEDIA) == 0


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (Trouble.DENIED, (Reason.STORE_DENIED, "check its credentials and permissions")),
        (Trouble.FULL, (Reason.STORE_FULL, "free some space")),
    ],
)
async def test_a_store_that_takes_nothing_any_more_lets_the_job_wait_until_that_is_mended(
    tree: Tree, flow: Flow, s3: S3, trouble: Trouble, expected: tuple[Reason, str]
) -> None:
    reason, told = expected
    root = _album(tree, files=10)
    flow.given["concurrency"] = 2
    s3.goes_wrong(trouble, on=Call.PUT, after=4)

    waiting = await flow.run(root)
    await flow.store_is_the_catalogs()
    s3.recovers()
    ending = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason, waiting.job.stored) == (JobState.WAITING, reason, 4)
    assert told in str(waiting.job.detail)
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 10)
    await flow.holds_together(ending)


async def test_what_a_file_is_called_is_not_taken_for_what_the_store_says(tree: Tree, flow: Flow, s3: S3) -> None:
    root = tree.folder("Root")
    tree.file(root, "AccessDenied, NoSuchBucket, credential, no space left.jpg", content=b"a")
    s3.goes_wrong(Trouble.SLOW_DOWN, on=Call.PUT)

    waiting = await flow.run(root)

    assert waiting.job.reason is Reason.STORE_UNAVAILABLE


@pytest.mark.parametrize("trouble", [Trouble.SLOW_DOWN, Trouble.RESET, Trouble.DENIED])
async def test_a_multipart_upload_that_dies_is_aborted(tree: Tree, flow: Flow, s3: S3, trouble: Trouble) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    s3.goes_wrong(trouble, on=Call.PART, after=1)

    waiting = await flow.run(root)
    uploads_left = dict(s3.uploads)
    s3.recovers()
    ending = await flow.run(root)

    assert (waiting.job.state, waiting.job.stored) == (JobState.WAITING, 0)
    assert uploads_left == {}
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    await flow.holds_together(ending)


@pytest.mark.parametrize("kind", [Damage.FLIPPED_BIT, Damage.RESET_AT_END])
async def test_a_multipart_upload_whose_source_dies_is_aborted(tree: Tree, flow: Flow, s3: S3, kind: Damage) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    flow.drive.faults.add(Fault(kind=kind))

    ending = await flow.run(root)

    assert ending.failures == {Reason.CORRUPT: 1}
    assert s3.objects == {}
    assert s3.uploads == {}
    await flow.holds_together(ending)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 1 MiB."""
    with small_disk(tmp_path / "home" / "store") as point:
        yield point


async def test_a_full_disk_lets_the_job_wait_with_no_partial_file_and_room_lets_it_go_on(
    tree: Tree, drive: StandIn, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=20, size_bytes=100_000)
    flow = Flow(drive=drive, home=tmp_path / "home", given={"patience_s": 0, "concurrency": 4})

    waiting = await flow.run(root)
    await flow.store_is_the_catalogs()
    remount(disk, "size=8m")
    ending = await flow.run(root)

    assert (waiting.exit, waiting.job.state, waiting.job.reason) == (
        Exit.RETRYABLE,
        JobState.WAITING,
        Reason.STORE_FULL,
    )
    assert "free some space" in str(waiting.job.detail)
    assert 0 < waiting.job.stored < 20
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 20)
    await flow.holds_together(ending)


async def test_a_large_file_that_the_disk_cannot_hold_leaves_no_part_of_it(
    tree: Tree, drive: StandIn, disk: Path
) -> None:
    root = tree.folder("Root")
    _large(tree, root)
    flow = Flow(drive=drive, home=disk.parent, given={"patience_s": 0})

    waiting = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.STORE_FULL)
    assert flow.objects() == {}


async def test_a_disk_that_is_read_only_is_refused_before_anything_is_written(
    tree: Tree, drive: StandIn, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=1)
    flow = Flow(drive=drive, home=tmp_path / "home")
    remount(disk, "ro")

    with pytest.raises(BlockedError, match="check its credentials and permissions") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.STORE_DENIED
    assert await flow.rows(jobs) == []


async def test_a_disk_that_becomes_read_only_under_way_lets_the_job_wait(
    tree: Tree, drive: StandIn, disk: Path, tmp_path: Path
) -> None:
    root = _album(tree, files=5)
    flow = Flow(drive=drive, home=tmp_path / "home")
    held_up = Fault(kind=Refusal.UNAVAILABLE, file="4.jpg", times=4)
    drive.faults.add(held_up)

    importing = asyncio.create_task(flow.run(root))
    while not drive.faults.struck[held_up]:  # noqa: ASYNC110 - the stand-in tells by its counters
        await asyncio.sleep(0.001)
    remount(disk, "ro")
    waiting = await importing
    await flow.store_is_the_catalogs()
    remount(disk, "rw")
    ending = await flow.run(root)

    assert (waiting.exit, waiting.job.reason) == (Exit.FATAL, Reason.STORE_DENIED)
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 5)
    await flow.holds_together(ending)


def test_ids_that_differ_by_case_alone_are_two_objects_on_a_disk_that_folds_it() -> None:
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
