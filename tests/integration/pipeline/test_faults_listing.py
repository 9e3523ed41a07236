"""What the source mislists, hides and changes under way."""

import asyncio
from collections.abc import Callable
from hashlib import md5

import pytest

from imageferry.catalog.database.tables import jobs
from imageferry.cli.exit_codes import Exit
from imageferry.cli.handlers.import_ import Ending
from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import BlockedError, NotFoundError, Reason, UsageError
from imageferry.model import ItemState, JobState
from tests.drivers.folder_trees import album
from tests.drivers.import_flow import QUICK, Flow

ONE_PAGE = 1000


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Refusal.BAD_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.REPEATED_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.INCOMPLETE, on=Operation.LIST, times=2),
        Fault(kind=Damage.INCOMPLETE, on=Operation.PAGE, times=2),
        Fault(kind=Damage.EMPTY_PAGE, on=Operation.LIST, times=1),
        Fault(kind=Damage.EMPTY_PAGE, on=Operation.PAGE, times=1),
        Fault(kind=Damage.DUPLICATE, on=Operation.LIST, times=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.on.name}",
)
async def test_a_listing_that_goes_wrong_is_listed_whole_in_the_end_with_each_file_once(
    tree: Tree, flow: Flow, fault: Fault
) -> None:
    root = tree.folder("Root")
    tree.numbered_files(root, ONE_PAGE + 5, size_bytes=40)
    flow.drive.faults.add(fault)

    ending = await flow.run(root)

    assert flow.drive.faults.struck[fault] == fault.times
    assert (ending.job.discovered, ending.job.stored) == (ONE_PAGE + 5, ONE_PAGE + 5)
    assert flow.drive.requests.count(Operation.LISTING) <= 6
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(ending)


async def test_a_folder_that_is_never_listed_whole_is_a_failure_and_not_a_smaller_folder(
    tree: Tree, flow: Flow
) -> None:
    root = album(tree, files=2)
    torn = tree.folder("Torn", parent=root)
    tree.file(torn, "unseen.jpg", content=b"unseen")
    tree.file(torn, "unseen too.jpg", content=b"unseen too")
    flow.drive.faults.add(Fault(kind=Damage.INCOMPLETE, on=Operation.LISTING, file=torn.id))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[torn.id]
    assert (ending.exit, ending.job.stored, ending.job.failed) == (Exit.RETRYABLE, 2, 1)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.LISTING_INCOMPLETE)
    assert flow.drive.faults.struck.total() == QUICK.terms.folder_tries_max
    await flow.holds_together(ending)


async def test_a_shortcut_whose_target_is_refused_fails_alone(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=2)
    refused = tree.file(tree.folder("Elsewhere"), "refused.jpg", content=b"refused")
    tree.shortcut(root, to=refused)
    flow.drive.faults.add(Fault(kind=Refusal.NO_PERMISSION, on=Operation.GET | Operation.MEDIA, file=refused.id))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[refused.id]
    assert (ending.job.state, ending.job.stored, ending.job.failed) == (JobState.COMPLETED, 2, 1)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.FORBIDDEN)
    await flow.holds_together(ending)


async def test_a_file_that_lies_in_two_folders_has_one_record(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    file = tree.file(tree.folder("One", parent=root), "a.jpg", content=b"a")
    tree.place(file, parent=tree.folder("Other", parent=root))

    ending = await flow.run(root)

    assert (ending.job.discovered, ending.job.stored) == (1, 1)
    assert flow.drive.requests.downloads_by_file == {file.id: 1}
    await flow.holds_together(ending)


async def test_a_file_that_two_unfinished_jobs_met_in_different_folders_is_one_object(tree: Tree, flow: Flow) -> None:
    top, own = tree.folder("Top"), tree.folder("Own")
    file = tree.file(own, "a.jpg", content=b"a")
    tree.shortcut(top, to=file)
    refused = Fault(kind=Refusal.BAD_KEY, on=Operation.MEDIA)
    flow.drive.faults.add(refused)
    waiting = await flow.run(top)
    assert waiting.job.state is JobState.WAITING
    flow.drive.faults.clear()

    await flow.run(own)
    ending = await flow.run(top)

    assert (ending.job.id, ending.job.stored) == (waiting.job.id, 1)
    assert len(flow.objects()) == len(await flow.records()) == 1
    await flow.holds_together(ending)


def _delete(tree: Tree, file: Node) -> None:
    tree.delete(file)


def _unshare(tree: Tree, file: Node) -> None:
    tree.share(file, Sharing.NOBODY)


@pytest.mark.parametrize("lose", [_delete, _unshare])
async def test_a_file_that_is_lost_after_it_was_listed_fails_as_gone(
    tree: Tree, flow: Flow, lose: Callable[[Tree, Node], None]
) -> None:
    root = album(tree, files=2)
    file = tree.file(root, "lost.jpg", content=b"soon lost")

    ending = await _run_while(flow, root, file, lambda: lose(tree, file))

    item = (await flow.items(ending.job))[file.id]
    assert (ending.exit, ending.job.stored) == (Exit.OTHER, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.GONE)
    assert flow.drive.requests.downloads_by_file[file.id] == 0
    await flow.holds_together(ending)


@pytest.mark.parametrize("content", [b"new content", b"NEW"], ids=["another size", "the same size"])
async def test_a_file_that_changed_after_it_was_listed_is_stored_as_it_is_now(
    tree: Tree, flow: Flow, content: bytes
) -> None:
    root = album(tree, files=2)
    file = tree.file(root, "changing.jpg", content=b"old")

    ending = await _run_while(flow, root, file, lambda: tree.replace_content(file, content))

    record = (await flow.records())[file.id]
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 3)
    assert record.md5 == md5(content, usedforsecurity=False).hexdigest()
    assert flow.objects()[record.object_key] == content
    await flow.holds_together(ending)
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
async def test_a_folder_that_cannot_be_seen_is_refused_with_how_to_share_it(
    tree: Tree, flow: Flow, make: Callable[[Tree], Node]
) -> None:
    folder = make(tree)

    with pytest.raises(NotFoundError, match="Anyone with the link") as refused:
        await flow.run(folder)

    assert refused.value.reason is Reason.FOLDER_NOT_FOUND
    await _assert_nothing_happened(flow)


async def test_a_files_link_is_refused_as_such(tree: Tree, flow: Flow) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")

    with pytest.raises(UsageError, match="link of a single file") as refused:
        await flow.run(f"https://drive.google.com/drive/folders/{file.id}")

    assert refused.value.reason is Reason.NOT_A_FOLDER_URL
    await _assert_nothing_happened(flow)


async def test_an_older_link_works_with_its_resource_key_and_is_not_found_without(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Old", keyed=True)
    tree.file(root, "a.jpg", content=b"a", keyed=True)

    with pytest.raises(NotFoundError) as refused:
        await flow.run(f"https://drive.google.com/drive/folders/{root.id}")
    ending = await flow.run(root)

    assert refused.value.reason is Reason.FOLDER_NOT_FOUND
    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    await flow.holds_together(ending)


async def test_a_wrong_key_is_refused_with_the_variable_that_mends_it(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=1)
    flow.given["google_api_key"] = "AIzaWrong-key-of-a-test-0000000000000000"

    with pytest.raises(BlockedError, match="GOOGLE_API_KEY") as refused:
        await flow.run(root)

    assert refused.value.reason is Reason.CREDENTIALS_REJECTED
    assert "AIzaWrong" not in refused.value.message
    await _assert_nothing_happened(flow)


@pytest.mark.parametrize("kind", [Refusal.BAD_KEY, Refusal.API_DISABLED])
async def test_a_key_that_is_revoked_under_way_lets_the_job_wait_and_the_same_command_resumes_it(
    tree: Tree, flow: Flow, kind: Refusal
) -> None:
    root = album(tree, files=20)
    flow.given["concurrency"] = 2
    revoked = Fault(kind=kind, on=Operation.ANY, after=8)
    flow.drive.faults.add(revoked)

    waiting = await flow.run(root)
    assert JobState.WAITING not in {seen.state for seen in flow.seen}  # it is the end, and told as that alone
    await flow.store_is_the_catalogs()
    flow.drive.faults.clear()
    ending = await flow.run(root)

    assert waiting.exit is Exit.FATAL
    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.CREDENTIALS_REJECTED)
    assert "GOOGLE_API_KEY" in str(waiting.job.detail)
    assert 0 < waiting.job.stored < 20
    assert flow.drive.faults.struck[revoked] <= 4
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 20)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(ending)


async def test_a_key_that_is_revoked_while_a_folder_is_listed_lets_the_job_wait(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=2)
    day = tree.folder("Day", parent=root)
    tree.file(day, "later.jpg", content=b"later")
    flow.drive.faults.add(Fault(kind=Refusal.BAD_KEY, on=Operation.LISTING, file=day.id))

    waiting = await flow.run(root)
    flow.drive.faults.clear()
    ending = await flow.run(root)

    assert (waiting.job.state, waiting.job.reason) == (JobState.WAITING, Reason.CREDENTIALS_REJECTED)
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 3)
    await flow.holds_together(ending)


async def test_a_used_up_daily_quota_lets_the_job_wait_until_it_is_there_again(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=3)
    flow.given["patience_s"] = 0
    flow.drive.faults.add(Fault(kind=Refusal.DAILY_LIMIT))

    waiting = await flow.run(root)
    flow.drive.faults.clear()
    ending = await flow.run(root)

    assert (waiting.exit, waiting.job.reason) == (Exit.RETRYABLE, Reason.DAILY_LIMIT)
    assert "midnight, Pacific time" in str(waiting.job.detail)
    assert (ending.job.id, ending.exit, ending.job.stored) == (waiting.job.id, Exit.DONE, 3)
    await flow.holds_together(ending)


async def _run_while(flow: Flow, root: Node, file: Node, change: Callable[[], object]) -> Ending:
    """An import under which something changes once a file is listed and before it is downloaded."""
    held_up = Fault(kind=Refusal.UNAVAILABLE, file=file.id, times=4)
    flow.drive.faults.add(held_up)
    running = asyncio.create_task(flow.run(root))
    while not flow.drive.faults.struck[held_up]:  # noqa: ASYNC110 - the stand-in tells by its counters
        await asyncio.sleep(0.001)
    change()
    return await running


async def _assert_nothing_happened(flow: Flow) -> None:
    assert await flow.rows(jobs) == []
    assert flow.objects() == {}
