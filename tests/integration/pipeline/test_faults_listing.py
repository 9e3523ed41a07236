"""Folders and files that the source lists wrongly, hides, or changes during an import."""

import asyncio
from collections.abc import Callable
from hashlib import md5

import pytest

from imageferry.application.results import ImportResult
from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, NotFoundError, Reason, UsageError
from imageferry.model import ItemState, JobState
from tests.drivers.folder_trees import image_folder
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow

ONE_PAGE = 1000


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=ErrorKind.BAD_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.REPEATED_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.INCOMPLETE, on=Operation.LIST, times=2),
        Fault(kind=Damage.INCOMPLETE, on=Operation.PAGE, times=2),
        Fault(kind=Damage.EMPTY_PAGE, on=Operation.LIST, times=1),
        Fault(kind=Damage.EMPTY_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.DUPLICATE, on=Operation.LIST, times=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.on.name}",
)
async def test_a_folder_is_listed_completely_in_spite_of_a_listing_fault_and_each_file_once(
    tree: Tree, flow: ImportFlow, fault: Fault
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, ONE_PAGE + 5, size_bytes=40)
    flow.drive.faults.add(fault)

    result = await flow.run(root)

    assert flow.drive.faults.injected[fault] == fault.times
    assert (result.job.discovered, result.job.stored) == (ONE_PAGE + 5, ONE_PAGE + 5)
    assert flow.drive.requests.count(Operation.LISTING) <= 6
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(result)


async def test_a_folder_that_is_never_listed_completely_fails_instead_of_losing_files(
    tree: Tree, flow: ImportFlow
) -> None:
    root = image_folder(tree, files=2)
    incomplete = tree.folder("Torn", parent=root)
    tree.file(incomplete, "unseen.jpg", content=b"unseen")
    tree.file(incomplete, "unseen too.jpg", content=b"unseen too")
    flow.drive.faults.add(Fault(kind=Damage.INCOMPLETE, on=Operation.LISTING, file=incomplete.id))

    result = await flow.run(root)

    item = (await flow.items(result.job))[incomplete.id]
    assert (exit_code_for_result(result), result.job.stored, result.job.failed) == (ExitCode.RETRYABLE, 2, 1)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.LISTING_INCOMPLETE)
    assert flow.drive.faults.injected.total() == FAST_LIMITS.lease_policy.folder_tries_max
    await flow.assert_consistent(result)


async def test_a_shortcut_whose_target_is_forbidden_fails_alone(tree: Tree, flow: ImportFlow) -> None:
    root = image_folder(tree, files=2)
    refused = tree.file(tree.folder("Elsewhere"), "refused.jpg", content=b"refused")
    tree.shortcut(root, to=refused)
    flow.drive.faults.add(Fault(kind=ErrorKind.NO_PERMISSION, on=Operation.GET | Operation.MEDIA, file=refused.id))

    result = await flow.run(root)

    item = (await flow.items(result.job))[refused.id]
    assert (result.job.state, result.job.stored, result.job.failed) == (JobState.COMPLETED, 2, 1)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.FORBIDDEN)
    await flow.assert_consistent(result)


async def test_a_file_in_two_folders_has_one_record(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    file = tree.file(tree.folder("One", parent=root), "a.jpg", content=b"a")
    tree.add_parent(file, parent=tree.folder("Other", parent=root))

    result = await flow.run(root)

    assert (result.job.discovered, result.job.stored) == (1, 1)
    assert flow.drive.requests.downloads_by_file == {file.id: 1}
    await flow.assert_consistent(result)


async def test_a_file_found_by_two_unfinished_jobs_in_different_folders_is_one_object(
    tree: Tree, flow: ImportFlow
) -> None:
    top, own = tree.folder("Top"), tree.folder("Own")
    file = tree.file(own, "a.jpg", content=b"a")
    tree.shortcut(top, to=file)
    refused = Fault(kind=ErrorKind.BAD_KEY, on=Operation.MEDIA)
    flow.drive.faults.add(refused)
    waiting = await flow.run(top)
    assert waiting.job.state is JobState.WAITING
    flow.drive.faults.clear()

    await flow.run(own)
    result = await flow.run(top)

    assert (result.job.id, result.job.stored) == (waiting.job.id, 1)
    assert len(flow.objects()) == len(await flow.records()) == 1
    await flow.assert_consistent(result)


def _delete(tree: Tree, file: Node) -> None:
    tree.delete(file)


def _unshare(tree: Tree, file: Node) -> None:
    tree.share(file, Sharing.NOBODY)


@pytest.mark.parametrize("remove", [_delete, _unshare])
async def test_a_file_that_disappears_after_it_was_listed_fails_as_gone(
    tree: Tree, flow: ImportFlow, remove: Callable[[Tree, Node], None]
) -> None:
    root = image_folder(tree, files=2)
    file = tree.file(root, "lost.jpg", content=b"soon lost")

    result = await _run_while(flow, root, file, lambda: remove(tree, file))

    item = (await flow.items(result.job))[file.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.FAILURE, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.GONE)
    assert flow.drive.requests.downloads_by_file[file.id] == 0
    await flow.assert_consistent(result)


@pytest.mark.parametrize("content", [b"new content", b"NEW"], ids=["another size", "the same size"])
async def test_a_file_that_changed_after_it_was_listed_is_stored_in_its_new_version(
    tree: Tree, flow: ImportFlow, content: bytes
) -> None:
    root = image_folder(tree, files=2)
    file = tree.file(root, "changing.jpg", content=b"old")

    result = await _run_while(flow, root, file, lambda: tree.replace_content(file, content))

    record = (await flow.records())[file.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 3)
    assert record.md5 == md5(content, usedforsecurity=False).hexdigest()
    assert flow.objects()[record.object_key] == content
    await flow.assert_consistent(result)
    again = await flow.run(root)
    assert again.job.unchanged == 3


def _private(tree: Tree) -> Node:
    return tree.folder("Private", sharing=Sharing.NOBODY)


def _trashed(tree: Tree) -> Node:
    return tree.trash(tree.folder("In the bin"))


def _deleted(tree: Tree) -> Node:
    folder = tree.folder("Deleted")
    tree.delete(folder)
    return folder


@pytest.mark.parametrize("make", [_private, _trashed, _deleted])
async def test_the_error_for_an_inaccessible_folder_says_how_to_share_it(
    tree: Tree, flow: ImportFlow, make: Callable[[Tree], Node]
) -> None:
    folder = make(tree)

    with pytest.raises(NotFoundError, match="Anyone with the link") as refused:
        await flow.run(folder)

    assert refused.value.reason is Reason.FOLDER_NOT_FOUND
    await _assert_nothing_happened(flow)


async def test_the_link_of_a_file_is_refused(tree: Tree, flow: ImportFlow) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")

    with pytest.raises(UsageError, match="link of a file") as refused:
        await flow.run(f"https://drive.google.com/drive/folders/{file.id}")

    assert refused.value.reason is Reason.NOT_A_FOLDER_URL
    await _assert_nothing_happened(flow)


async def test_an_older_link_needs_its_resource_key(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Old", with_resource_key=True)
    tree.file(root, "a.jpg", content=b"a", with_resource_key=True)

    with pytest.raises(NotFoundError) as refused:
        await flow.run(f"https://drive.google.com/drive/folders/{root.id}")
    result = await flow.run(root)

    assert refused.value.reason is Reason.FOLDER_NOT_FOUND
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    await flow.assert_consistent(result)


async def test_the_error_for_a_wrong_api_key_names_its_variable(tree: Tree, flow: ImportFlow) -> None:
    root = image_folder(tree, files=1)
    flow.setting_overrides["google_api_key"] = "AIzaWrong-key-of-a-test-0000000000000000"

    with pytest.raises(BlockedError, match="GOOGLE_API_KEY") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CREDENTIALS_REJECTED
    assert "AIzaWrong" not in refused.value.message
    await _assert_nothing_happened(flow)


@pytest.mark.parametrize("kind", [ErrorKind.BAD_KEY, ErrorKind.API_DISABLED])
async def test_an_api_key_revoked_during_an_import_makes_the_job_wait_and_the_same_command_resumes_it(
    tree: Tree, flow: ImportFlow, kind: ErrorKind
) -> None:
    root = image_folder(tree, files=20)
    flow.setting_overrides["concurrency"] = 2
    revoked = Fault(kind=kind, on=Operation.ANY, after=8)
    flow.drive.faults.add(revoked)

    waiting = await flow.run(root)
    assert JobState.WAITING not in {
        update.state for update in flow.progress
    }  # WAITING is the result, not a progress update
    await flow.assert_store_matches_catalog()
    flow.drive.faults.clear()
    result = await flow.run(root)

    assert exit_code_for_result(waiting) is ExitCode.FATAL
    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.CREDENTIALS_REJECTED)
    assert "GOOGLE_API_KEY" in str(waiting.job.detail)
    assert 0 < waiting.job.stored < 20
    assert flow.drive.faults.injected[revoked] <= 4
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 20)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(result)


async def test_an_api_key_revoked_during_a_listing_makes_the_job_wait(tree: Tree, flow: ImportFlow) -> None:
    root = image_folder(tree, files=2)
    day = tree.folder("Day", parent=root)
    tree.file(day, "later.jpg", content=b"later")
    flow.drive.faults.add(Fault(kind=ErrorKind.BAD_KEY, on=Operation.LISTING, file=day.id))

    waiting = await flow.run(root)
    flow.drive.faults.clear()
    result = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.CREDENTIALS_REJECTED)
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 3)
    await flow.assert_consistent(result)


async def test_an_exhausted_daily_quota_makes_the_job_wait(tree: Tree, flow: ImportFlow) -> None:
    root = image_folder(tree, files=3)
    flow.setting_overrides["wait_s"] = 0
    flow.drive.faults.add(Fault(kind=ErrorKind.DAILY_LIMIT))

    waiting = await flow.run(root)
    flow.drive.faults.clear()
    result = await flow.run(root)

    assert (exit_code_for_result(waiting), waiting.job.reason) == (ExitCode.RETRYABLE, Reason.DAILY_LIMIT)
    assert "midnight Pacific time" in str(waiting.job.detail)
    assert (result.job.id, exit_code_for_result(result), result.job.stored) == (waiting.job.id, ExitCode.SUCCESS, 3)
    await flow.assert_consistent(result)


async def _run_while(flow: ImportFlow, root: Node, file: Node, change: Callable[[], object]) -> ImportResult:
    """Import a folder, and make a change after a file was listed and before it is downloaded."""
    delay = Fault(kind=ErrorKind.UNAVAILABLE, file=file.id, times=4)
    flow.drive.faults.add(delay)
    running = asyncio.create_task(flow.run(root))
    while not flow.drive.faults.injected[delay]:  # noqa: ASYNC110 - the test server has only counters
        await asyncio.sleep(0.001)
    change()
    return await running


async def _assert_nothing_happened(flow: ImportFlow) -> None:
    assert await flow.rows(jobs) == []
    assert flow.objects() == {}
