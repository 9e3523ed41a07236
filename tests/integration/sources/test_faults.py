"""What the source refuses and withholds."""

import time

import pytest

from imageferry.cli.exit_codes import Exit
from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import Reason
from imageferry.model import ItemState
from tests.drivers.folder_trees import album
from tests.drivers.import_flow import QUICK, Flow

DOWNLOADS_MAX = QUICK.patience.tries_max * QUICK.terms.item_tries_max
RATE_LIMITS = (
    Refusal.RATE_LIMIT,
    Refusal.USER_RATE_LIMIT,
    Refusal.SHARING_RATE_LIMIT,
    Refusal.TOO_MANY_REQUESTS,
    Refusal.SORRY,
)
NO_ANSWERS = (
    Refusal.INTERNAL,
    Refusal.BACKEND,
    Refusal.UNAVAILABLE,
    Refusal.BAD_GATEWAY,
    Damage.ERROR_JSON,
    Damage.HTML,
)


@pytest.mark.parametrize("on", [Operation.MEDIA, Operation.LISTING])
async def test_rate_limits_of_every_kind_delay_and_lose_nothing(tree: Tree, flow: Flow, on: Operation) -> None:
    root = album(tree, files=8)
    flow.drive.faults.add(*(Fault(kind=kind, on=on, times=1) for kind in RATE_LIMITS))

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 8)
    assert flow.drive.faults.struck.total() == len(RATE_LIMITS)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.holds_together(ending)


async def test_a_rate_limit_with_retry_after_is_left_alone_for_so_long(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=1)
    flow.drive.faults.add(Fault(kind=Refusal.TOO_MANY_REQUESTS, times=1, retry_after_s=1))
    began_at_s = time.monotonic()

    ending = await flow.run(root)

    assert time.monotonic() - began_at_s >= 1
    assert flow.drive.requests.count(Operation.MEDIA) == 2
    assert ending.exit is Exit.DONE
    await flow.holds_together(ending)


@pytest.mark.parametrize("kind", [Refusal.DOWNLOAD_QUOTA, Refusal.QUOTA])
async def test_a_file_that_is_downloaded_too_often_waits_and_fails_at_last_while_the_others_go_on(
    tree: Tree, flow: Flow, kind: Refusal
) -> None:
    root = album(tree, files=3)
    popular = tree.file(root, "popular.jpg", content=b"everybody wants it")
    flow.drive.faults.add(Fault(kind=kind, file=popular.id))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[popular.id]
    assert (ending.exit, ending.job.stored) == (Exit.RETRYABLE, 3)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.DOWNLOAD_QUOTA)
    assert "Too many people downloaded this file" in item.detail
    assert flow.drive.faults.struck.total() == QUICK.terms.item_tries_max
    await flow.holds_together(ending)


async def test_a_file_whose_download_quota_has_recovered_is_stored_by_the_next_import(tree: Tree, flow: Flow) -> None:
    root = album(tree, files=2)
    flow.drive.faults.add(Fault(kind=Refusal.DOWNLOAD_QUOTA, file="1.jpg"))
    await flow.run(root)
    flow.drive.faults.clear()

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored, ending.job.unchanged) == (Exit.DONE, 1, 1)
    await flow.holds_together(ending)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Refusal.ABUSIVE, Reason.ABUSIVE),
        (Refusal.NO_PERMISSION, Reason.FORBIDDEN),
        (Refusal.CANNOT_DOWNLOAD, Reason.FORBIDDEN),
    ],
)
async def test_a_file_that_must_not_be_had_fails_at_once(tree: Tree, flow: Flow, kind: Refusal, reason: Reason) -> None:
    root = album(tree, files=2)
    refused = tree.file(root, "refused.jpg", content=b"not for us")
    flow.drive.faults.add(Fault(kind=kind, file=refused.id))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[refused.id]
    assert (ending.exit, ending.job.stored) == (Exit.OTHER, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, reason)
    assert item.detail
    assert flow.drive.faults.struck.total() == 1
    await flow.holds_together(ending)


async def test_a_file_that_the_listing_says_may_not_be_downloaded_is_not_even_asked_for(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"not for us", downloadable=False)

    ending = await flow.run(root)

    assert (await flow.items(ending.job))[file.id].reason == Reason.FORBIDDEN
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    await flow.holds_together(ending)


@pytest.mark.parametrize("on", [Operation.MEDIA, Operation.LISTING])
async def test_an_answer_that_is_no_answer_is_asked_for_again(tree: Tree, flow: Flow, on: Operation) -> None:
    root = album(tree, files=len(NO_ANSWERS))
    flow.drive.faults.add(*(Fault(kind=kind, on=on, times=1) for kind in NO_ANSWERS))

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, len(NO_ANSWERS))
    assert flow.drive.faults.struck.total() == len(NO_ANSWERS)
    await flow.holds_together(ending)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Refusal.INTERNAL, Reason.SOURCE_UNAVAILABLE),
        (Damage.ERROR_JSON, Reason.NOT_THE_FILE),
        (Damage.HTML, Reason.NOT_THE_FILE),
    ],
)
async def test_a_file_that_never_comes_fails_after_a_bounded_number_of_tries_and_is_never_stored(
    tree: Tree, flow: Flow, kind: Refusal | Damage, reason: Reason
) -> None:
    root = album(tree, files=2)
    missing = tree.file(root, "missing.jpg", content=b"never comes")
    flow.drive.faults.add(Fault(kind=kind, file=missing.id))

    ending = await flow.run(root)

    item = (await flow.items(ending.job))[missing.id]
    assert (ending.exit, ending.job.stored) == (Exit.RETRYABLE, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, reason)
    assert flow.drive.faults.struck.total() == DOWNLOADS_MAX
    await flow.holds_together(ending)
