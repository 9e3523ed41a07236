"""Imports from a source that throttles, denies or withholds files."""

import time

import pytest

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.errors import Reason
from imageferry.model import ItemState
from tests.drivers.folder_trees import image_folder
from tests.drivers.import_flow import FAST_LIMITS, ImportFlow

DOWNLOADS_MAX = FAST_LIMITS.source_retry_policy.tries_max * FAST_LIMITS.lease_policy.item_tries_max
RATE_LIMITS = (
    ErrorKind.RATE_LIMIT,
    ErrorKind.USER_RATE_LIMIT,
    ErrorKind.SHARING_RATE_LIMIT,
    ErrorKind.TOO_MANY_REQUESTS,
    ErrorKind.SORRY,
)
SERVER_FAILURES = (
    ErrorKind.INTERNAL,
    ErrorKind.BACKEND,
    ErrorKind.UNAVAILABLE,
    ErrorKind.BAD_GATEWAY,
    Damage.ERROR_JSON,
    Damage.HTML,
)


@pytest.mark.parametrize("on", [Operation.MEDIA, Operation.LISTING])
async def test_rate_limits_of_every_kind_only_delay_the_import(tree: Tree, flow: ImportFlow, on: Operation) -> None:
    root = image_folder(tree, files=8)
    flow.drive.faults.add(*(Fault(kind=kind, on=on, times=1) for kind in RATE_LIMITS))

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 8)
    assert flow.drive.faults.injected.total() == len(RATE_LIMITS)
    assert set(flow.drive.requests.downloads_by_file.values()) == {1}
    await flow.assert_consistent(result)


async def test_the_import_waits_as_long_as_retry_after_says(tree: Tree, flow: ImportFlow) -> None:
    root = image_folder(tree, files=1)
    flow.drive.faults.add(Fault(kind=ErrorKind.TOO_MANY_REQUESTS, times=1, retry_after_s=1))
    started_s = time.monotonic()

    result = await flow.run(root)

    assert time.monotonic() - started_s >= 1
    assert flow.drive.requests.count(Operation.MEDIA) == 2
    assert exit_code_for_result(result) is ExitCode.SUCCESS
    await flow.assert_consistent(result)


@pytest.mark.parametrize("kind", [ErrorKind.DOWNLOAD_QUOTA, ErrorKind.QUOTA])
async def test_a_file_over_its_download_quota_waits_and_finally_fails_while_others_are_stored(
    tree: Tree, flow: ImportFlow, kind: ErrorKind
) -> None:
    root = image_folder(tree, files=3)
    popular = tree.file(root, "popular.jpg", content=b"popular")
    flow.drive.faults.add(Fault(kind=kind, file=popular.id))

    result = await flow.run(root)

    item = (await flow.items(result.job))[popular.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.RETRYABLE, 3)
    assert (item.state, item.reason) == (ItemState.FAILED, Reason.DOWNLOAD_QUOTA)
    assert "Too many people downloaded this file" in item.detail
    assert flow.drive.faults.injected.total() == FAST_LIMITS.lease_policy.item_tries_max
    await flow.assert_consistent(result)


async def test_a_file_whose_download_quota_has_recovered_is_stored_by_the_next_import(
    tree: Tree, flow: ImportFlow
) -> None:
    root = image_folder(tree, files=2)
    flow.drive.faults.add(Fault(kind=ErrorKind.DOWNLOAD_QUOTA, file="1.jpg"))
    await flow.run(root)
    flow.drive.faults.clear()

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored, result.job.unchanged) == (ExitCode.SUCCESS, 1, 1)
    await flow.assert_consistent(result)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ErrorKind.ABUSIVE, Reason.ABUSIVE),
        (ErrorKind.NO_PERMISSION, Reason.FORBIDDEN),
        (ErrorKind.CANNOT_DOWNLOAD, Reason.FORBIDDEN),
    ],
)
async def test_a_forbidden_file_fails_at_once(tree: Tree, flow: ImportFlow, kind: ErrorKind, reason: Reason) -> None:
    root = image_folder(tree, files=2)
    denied = tree.file(root, "denied.jpg", content=b"not for us")
    flow.drive.faults.add(Fault(kind=kind, file=denied.id))

    result = await flow.run(root)

    item = (await flow.items(result.job))[denied.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.FAILURE, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, reason)
    assert item.detail
    assert flow.drive.faults.injected.total() == 1
    await flow.assert_consistent(result)


async def test_a_file_listed_as_not_downloadable_is_never_requested(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"not for us", downloadable=False)

    result = await flow.run(root)

    assert (await flow.items(result.job))[file.id].reason == Reason.FORBIDDEN
    assert flow.drive.requests.count(Operation.MEDIA) == 0
    await flow.assert_consistent(result)


@pytest.mark.parametrize("on", [Operation.MEDIA, Operation.LISTING])
async def test_invalid_responses_are_retried(tree: Tree, flow: ImportFlow, on: Operation) -> None:
    root = image_folder(tree, files=len(SERVER_FAILURES))
    flow.drive.faults.add(*(Fault(kind=kind, on=on, times=1) for kind in SERVER_FAILURES))

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, len(SERVER_FAILURES))
    assert flow.drive.faults.injected.total() == len(SERVER_FAILURES)
    await flow.assert_consistent(result)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ErrorKind.INTERNAL, Reason.SOURCE_UNAVAILABLE),
        (Damage.ERROR_JSON, Reason.UNEXPECTED_PAGE),
        (Damage.HTML, Reason.UNEXPECTED_PAGE),
    ],
)
async def test_a_file_that_never_arrives_fails_after_a_bounded_number_of_tries_and_is_not_stored(
    tree: Tree, flow: ImportFlow, kind: ErrorKind | Damage, reason: Reason
) -> None:
    root = image_folder(tree, files=2)
    missing = tree.file(root, "missing.jpg", content=b"never comes")
    flow.drive.faults.add(Fault(kind=kind, file=missing.id))

    result = await flow.run(root)

    item = (await flow.items(result.job))[missing.id]
    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.RETRYABLE, 2)
    assert (item.state, item.reason) == (ItemState.FAILED, reason)
    assert flow.drive.faults.injected.total() == DOWNLOADS_MAX
    await flow.assert_consistent(result)
