"""Listings over HTTP: pages, masks, page tokens and their faults."""

import pytest

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import ApiClient


async def test_without_a_mask_an_entry_has_four_fields(tree: Tree, client: ApiClient) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"a")

    page = (await client.list(root)).json

    assert page == {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [{"kind": "drive#file", "id": file.id, "name": "a.jpg", "mimeType": "image/jpeg"}],
    }


async def test_a_mask_without_next_page_token_omits_it(tree: Tree, client: ApiClient) -> None:
    root = folder_with_files(tree, 150)

    page = (await client.list(root, fields="files/id")).json

    assert page.keys() == {"files"}
    assert len(page["files"]) == 100
    assert "nextPageToken" in (await client.list(root)).json


@pytest.mark.parametrize("page_size", [1, 7, 10, 1000])
async def test_pages_add_up_to_the_folder_and_the_last_has_no_token(
    tree: Tree, client: ApiClient, page_size: int
) -> None:
    root = folder_with_files(tree, 20)

    pages = await all_pages(client, root, page_size=page_size)

    assert names(pages) == [f"IMG_{number:07d}.jpg" for number in range(20)]
    assert len(pages) == -(-20 // page_size)


async def test_changes_between_pages_move_no_other_files(tree: Tree, client: ApiClient) -> None:
    root = tree.folder("Root")
    files = [tree.file(root, f"{number}.jpg", content=b"") for number in range(6)]
    first = (await client.list(root, pageSize="3")).json

    tree.delete(files[0])
    tree.file(root, "late.jpg", content=b"")
    second = (await client.list(root, pageSize="100", pageToken=first["nextPageToken"])).json

    assert names([first, second]) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "late.jpg"]


async def test_a_token_is_valid_for_its_own_listing_only(tree: Tree, client: ApiClient) -> None:
    root, other = folder_with_files(tree, 20), folder_with_files(tree, 20)
    token = (await client.list(root, pageSize="10")).json["nextPageToken"]

    assert (await client.list(root, pageToken=token)).status == 200
    for response in (
        await client.list(other, pageToken=token),
        await client.list(root, pageToken=token[:-4] + "AAAA"),
        await client.list(root, pageToken="~!!~"),
        await client.list(root, pageToken="ünsinn"),
    ):
        assert (response.status, response.reason) == (400, "invalid")
        assert response.json["error"]["errors"][0]["location"] == "pageToken"


async def test_inaccessible_files_are_not_listed_and_an_inaccessible_folder_is_not_found(
    tree: Tree, client: ApiClient
) -> None:
    root = tree.folder("Root")
    tree.trash(tree.file(root, "trashed.jpg", content=b""))
    team = tree.shared_drive("Team")
    tree.file(team, "team.jpg", content=b"")

    assert names([(await client.list(root)).json]) == ["trashed.jpg"]
    untrashed = await client.get("/drive/v3/files", q=f"'{root.id}' in parents and trashed=false")
    assert names([untrashed.json]) == []
    hidden = await client.list(team, supportsAllDrives="true", includeItemsFromAllDrives="true")
    assert hidden.json["error"]["message"] == "File not found: ."


async def test_shared_drives_must_be_included_explicitly(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    team = tree.shared_drive("Team")
    tree.file(team, "team.jpg", content=b"")
    account = {"Authorization": f"Bearer {drive.access_token()}"}
    query = {"q": f"'{team.id}' in parents", "supportsAllDrives": "true"}

    assert (await client.get("/drive/v3/files", headers=account, **query)).status == 404
    listed = await client.get("/drive/v3/files", headers=account, **query, includeItemsFromAllDrives="true")
    assert names([listed.json]) == ["team.jpg"]


async def test_a_search_over_several_folders_finds_each_file_once(tree: Tree, client: ApiClient) -> None:
    one, other = tree.folder("One"), tree.folder("Other")
    tree.add_parent(tree.file(one, "both.jpg", content=b""), parent=other)
    tree.file(other, "b.jpg", content=b"")

    listed = await client.get("/drive/v3/files", q=f"'{one.id}' in parents or '{other.id}' in parents")
    everything = await client.get("/drive/v3/files", q="mimeType contains 'image/'")

    assert names([listed.json]) == ["both.jpg", "b.jpg"]
    assert sorted(names([everything.json])) == ["b.jpg", "both.jpg"]


async def test_a_repeated_page_can_be_injected(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    root = folder_with_files(tree, 20)
    drive.faults.add(Fault(kind=Damage.REPEATED_PAGE, on=Operation.PAGE, times=1))

    pages = await all_pages(client, root, page_size=8)

    assert [len(page["files"]) for page in pages] == [8, 8, 8, 4]
    assert pages[1]["files"] == pages[2]["files"]


async def test_an_empty_page_can_be_injected_and_loses_no_entries(
    tree: Tree, client: ApiClient, drive: DriveTestServer
) -> None:
    root = folder_with_files(tree, 20)
    drive.faults.add(Fault(kind=Damage.EMPTY_PAGE, on=Operation.LISTING, times=1))

    pages = await all_pages(client, root, page_size=10)

    assert [len(page["files"]) for page in pages] == [0, 10, 10]


async def test_a_duplicate_entry_can_be_injected(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    root = folder_with_files(tree, 20)
    drive.faults.add(Fault(kind=Damage.DUPLICATE, on=Operation.LIST, times=1))

    first, second, *_ = await all_pages(client, root, page_size=10)

    assert first["files"][-1] == second["files"][0]


async def test_missing_entries_can_be_injected_with_and_without_a_notice(
    tree: Tree, client: ApiClient, drive: DriveTestServer
) -> None:
    root = folder_with_files(tree, 20)
    drive.faults.add(
        Fault(kind=Damage.INCOMPLETE, on=Operation.LIST, times=1),
        Fault(kind=Damage.MISSING_ENTRIES, on=Operation.LIST, times=1),
    )

    responses = [(await client.list(root)).json for _ in range(3)]

    assert [len(response["files"]) for response in responses] == [10, 10, 20]
    assert [response["incompleteSearch"] for response in responses] == [True, False, False]


async def test_an_expired_token_can_be_injected(tree: Tree, client: ApiClient, drive: DriveTestServer) -> None:
    root = folder_with_files(tree, 20)
    drive.faults.add(Fault(kind=ErrorKind.BAD_PAGE, on=Operation.PAGE, times=1))
    token = (await client.list(root, pageSize="10")).json["nextPageToken"]

    assert (await client.list(root, pageSize="10", pageToken=token)).reason == "invalid"
    assert (await client.list(root, pageSize="10", pageToken=token)).status == 200


def folder_with_files(tree: Tree, count: int) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, count, size_bytes=10)
    return root


async def all_pages(client: ApiClient, folder: Node, *, page_size: int) -> list[dict[str, list[dict[str, str]]]]:
    pages: list[dict[str, list[dict[str, str]]]] = []
    token: dict[str, str] = {}
    while True:
        page = (await client.list(folder, pageSize=str(page_size), **token)).json
        pages.append(page)
        if "nextPageToken" not in page:
            return pages
        token = {"pageToken": page["nextPageToken"]}


def names(pages: list[dict[str, list[dict[str, str]]]]) -> list[str]:
    return [file["name"] for page in pages for file in page["files"]]
