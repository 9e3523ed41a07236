"""Imports with each kind of access to Drive: a key, no key, a service account."""

from pathlib import Path

import pytest

from imageferry.cli.exit_codes import ExitCode, exit_code_for_result
from imageferry.demo.entries import Sharing
from imageferry.demo.operations import Operation
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree
from imageferry.errors import NotFoundError, Reason
from tests.drivers.import_flow import ImportFlow
from tests.drivers.service_accounts import create_service_account_file


@pytest.mark.parametrize("key", ["key", "no key"])
async def test_the_sample_album_is_imported_completely(key: str, tree: Tree, flow: ImportFlow) -> None:
    if key == "no key":
        flow.setting_overrides["google_api_key"] = None
    root = sample_album(tree)

    result = await flow.run(root)
    await flow.assert_consistent(result)
    flow.drive.requests.reset()
    second = await flow.run(root)

    assert result.job.stored > 50
    assert set(result.failures) <= {Reason.EMPTY}
    assert second.job.unchanged == result.job.stored
    assert flow.drive.requests.count(Operation.BYTES) <= len(result.failures)
    names = [row.name for row in (await flow.records()).values()]
    assert len(names) > len(set(names))  # two files with the same name are two images


async def test_a_private_folder_is_imported_with_the_account_it_is_shared_with(
    tree: Tree, flow: ImportFlow, tmp_path: Path
) -> None:
    root = tree.folder("Private", sharing=Sharing.ACCOUNT)
    tree.file(root, "a.jpg", content=b"a")
    with pytest.raises(NotFoundError):
        await flow.run(root)

    flow.setting_overrides["google_application_credentials"] = create_service_account_file(
        tmp_path, token_url=flow.drive.token_url
    )
    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
    await flow.assert_consistent(result)


async def test_a_shared_drive_is_imported_with_an_account(tree: Tree, flow: ImportFlow, tmp_path: Path) -> None:
    flow.setting_overrides["google_application_credentials"] = create_service_account_file(
        tmp_path, token_url=flow.drive.token_url
    )
    team = tree.shared_drive("Team")
    tree.file(tree.folder("Sub", parent=team), "a.jpg", content=b"a")

    result = await flow.run(team)

    assert (result.job.folder_name, result.job.stored) == ("Team", 1)
    await flow.assert_consistent(result)


async def test_the_resource_key_of_an_old_link_is_used(tree: Tree, flow: ImportFlow) -> None:
    root = tree.folder("Old", with_resource_key=True)
    tree.file(root, "a.jpg", content=b"a", with_resource_key=True)
    assert "resourcekey=" in flow.drive.folder_url(root)

    result = await flow.run(root)

    assert (exit_code_for_result(result), result.job.stored) == (ExitCode.SUCCESS, 1)
