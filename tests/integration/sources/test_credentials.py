"""The whole flow by each way into Drive: a key, no key, a service account."""

from pathlib import Path

import pytest

from imageferry.cli.exit_codes import Exit
from imageferry.demo.entries import Sharing
from imageferry.demo.operations import Operation
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.tree import Tree
from imageferry.errors import NotFoundError, Reason
from tests.drivers.import_flow import Flow
from tests.drivers.service_accounts import service_account_file


@pytest.mark.parametrize("key", ["key", "no key"])
async def test_the_sample_album_is_imported_whole(key: str, tree: Tree, flow: Flow) -> None:
    if key == "no key":
        flow.given["google_api_key"] = None
    root = sample_album(tree)

    ending = await flow.run(root)
    await flow.holds_together(ending)
    flow.drive.requests.reset()
    again = await flow.run(root)

    assert ending.job.stored > 50
    assert set(ending.failures) <= {Reason.EMPTY}
    assert again.job.unchanged == ending.job.stored
    assert flow.drive.requests.count(Operation.BYTES) <= len(ending.failures)
    names = [row.name for row in (await flow.records()).values()]
    assert len(names) > len(set(names))  # two files of one name are two records


async def test_a_private_folder_is_imported_by_the_account_it_is_shared_with(
    tree: Tree, flow: Flow, tmp_path: Path
) -> None:
    root = tree.folder("Private", sharing=Sharing.ACCOUNT)
    tree.file(root, "a.jpg", content=b"a")
    with pytest.raises(NotFoundError):
        await flow.run(root)

    flow.given["google_application_credentials"] = service_account_file(tmp_path, token_url=flow.drive.token_url)
    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
    await flow.holds_together(ending)


async def test_a_shared_drive_is_imported_by_an_account(tree: Tree, flow: Flow, tmp_path: Path) -> None:
    flow.given["google_application_credentials"] = service_account_file(tmp_path, token_url=flow.drive.token_url)
    team = tree.shared_drive("Team")
    tree.file(tree.folder("Sub", parent=team), "a.jpg", content=b"a")

    ending = await flow.run(team)

    assert (ending.job.folder_name, ending.job.stored) == ("Team", 1)
    await flow.holds_together(ending)


async def test_an_old_link_brings_its_resource_key(tree: Tree, flow: Flow) -> None:
    root = tree.folder("Old", keyed=True)
    tree.file(root, "a.jpg", content=b"a", keyed=True)
    assert "resourcekey=" in flow.drive.folder_url(root)

    ending = await flow.run(root)

    assert (ending.exit, ending.job.stored) == (Exit.DONE, 1)
