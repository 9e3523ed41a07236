"""Listings over HTTP: pages, masks, tokens and what goes wrong with them."""

import pytest

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from tests.unit.demo.conftest import Asker


async def test_without_a_mask_an_entry_is_four_fields(tree: Tree, asker: Asker) -> None:
    root = tree.folder("Root")
    file = tree.file(root, "a.jpg", content=b"a")

    page = (await asker.list(root)).json

    assert page == {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [{"kind": "drive#file", "id": file.id, "name": "a.jpg", "mimeType": "image/jpeg"}],
    }


async def test_a_mask_without_next_page_token_loses_it(tree: Tree, asker: Asker) -> None:
    root = of_many(tree, 150)

    masked = (await asker.list(root, fields="files/id")).json

    assert masked.keys() == {"files"}
    assert len(masked["files"]) == 100
    assert "nextPageToken" in (await asker.list(root)).json


@pytest.mark.parametrize("page_size", [1, 7, 10, 1000])
async def test_pages_add_up_to_the_folder_and_the_last_bears_no_token(tree: Tree, asker: Asker, page_size: int) -> None:
    root = of_many(tree, 20)

    pages = await all_pages(asker, root, page_size=page_size)

    assert names(pages) == [f"IMG_{number:07d}.jpg" for number in range(20)]
    assert len(pages) == -(-20 // page_size)


async def test_files_that_come_and_go_between_pages_move_no_others(tree: Tree, asker: Asker) -> None:
    root = tree.folder("Root")
    files = [tree.file(root, f"{number}.jpg", content=b"") for number in range(6)]
    first = (await asker.list(root, pageSize="3")).json

    tree.delete(files[0])
    tree.file(root, "late.jpg", content=b"")
    second = (await asker.list(root, pageSize="100", pageToken=first["nextPageToken"])).json

    assert names([first, second]) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "late.jpg"]


async def test_a_token_is_good_for_its_own_listing_only(tree: Tree, asker: Asker) -> None:
    root, other = of_many(tree, 20), of_many(tree, 20)
    token = (await asker.list(root, pageSize="10")).json["nextPageToken"]

    assert (await asker.list(root, pageToken=token)).status == 200
    for refused in (
        await asker.list(other, pageToken=token),
        await asker.list(root, pageToken=token[:-4] + "AAAA"),
        await asker.list(root, pageToken="~!!~"),
        await asker.list(root, pageToken="ünsinn"),
    ):
        assert (refused.status, refused.reason) == (400, "invalid")
        assert refused.json["error"]["errors"][0]["location"] == "pageToken"


async def test_what_is_hidden_is_not_listed_and_a_hidden_folder_is_not_found(tree: Tree, asker: Asker) -> None:
    root = tree.folder("Root")
    tree.trash(tree.file(root, "trashed.jpg", content=b""))
    team = tree.shared_drive("Team")
    tree.file(team, "ours.jpg", content=b"")

    assert names([(await asker.list(root)).json]) == ["trashed.jpg"]
    untrashed = await asker.get("/drive/v3/files", q=f"'{root.id}' in parents and trashed=false")
    assert names([untrashed.json]) == []
    hidden = await asker.list(team, supportsAllDrives="true", includeItemsFromAllDrives="true")
    assert hidden.json["error"]["message"] == "File not found: ."


async def test_shared_drives_must_be_asked_for(tree: Tree, asker: Asker, drive: StandIn) -> None:
    team = tree.shared_drive("Team")
    tree.file(team, "ours.jpg", content=b"")
    account = {"Authorization": f"Bearer {drive.access_token()}"}
    asked = {"q": f"'{team.id}' in parents", "supportsAllDrives": "true"}

    assert (await asker.get("/drive/v3/files", headers=account, **asked)).status == 404
    found = await asker.get("/drive/v3/files", headers=account, **asked, includeItemsFromAllDrives="true")
    assert names([found.json]) == ["ours.jpg"]


async def test_a_search_over_several_folders_finds_each_file_once(tree: Tree, asker: Asker) -> None:
    one, other = tree.folder("One"), tree.folder("Other")
    tree.place(tree.file(one, "both.jpg", content=b""), parent=other)
    tree.file(other, "b.jpg", content=b"")

    found = await asker.get("/drive/v3/files", q=f"'{one.id}' in parents or '{other.id}' in parents")
    everything = await asker.get("/drive/v3/files", q="mimeType contains 'image/'")

    assert names([found.json]) == ["both.jpg", "b.jpg"]
    assert sorted(names([everything.json])) == ["b.jpg", "both.jpg"]


async def test_pages_repeat_to_order(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = of_many(tree, 20)
    drive.faults.add(Fault(kind=Damage.REPEATED_PAGE, on=Operation.PAGE, times=1))

    pages = await all_pages(asker, root, page_size=8)

    assert [len(page["files"]) for page in pages] == [8, 8, 8, 4]
    assert pages[1]["files"] == pages[2]["files"]


async def test_pages_are_empty_to_order_and_lose_nothing(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = of_many(tree, 20)
    drive.faults.add(Fault(kind=Damage.EMPTY_PAGE, on=Operation.LISTING, times=1))

    pages = await all_pages(asker, root, page_size=10)

    assert [len(page["files"]) for page in pages] == [0, 10, 10]


async def test_an_entry_comes_twice_to_order(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = of_many(tree, 20)
    drive.faults.add(Fault(kind=Damage.DUPLICATE, on=Operation.LIST, times=1))

    first, second, *_ = await all_pages(asker, root, page_size=10)

    assert first["files"][-1] == second["files"][0]


async def test_entries_are_missing_to_order_with_and_without_a_word(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = of_many(tree, 20)
    drive.faults.add(
        Fault(kind=Damage.INCOMPLETE, on=Operation.LIST, times=1),
        Fault(kind=Damage.MISSING_ENTRIES, on=Operation.LIST, times=1),
    )

    answers = [(await asker.list(root)).json for _ in range(3)]

    assert [len(answer["files"]) for answer in answers] == [10, 10, 20]
    assert [answer["incompleteSearch"] for answer in answers] == [True, False, False]


async def test_a_token_expires_to_order(tree: Tree, asker: Asker, drive: StandIn) -> None:
    root = of_many(tree, 20)
    drive.faults.add(Fault(kind=Refusal.BAD_PAGE, on=Operation.PAGE, times=1))
    token = (await asker.list(root, pageSize="10")).json["nextPageToken"]

    assert (await asker.list(root, pageSize="10", pageToken=token)).reason == "invalid"
    assert (await asker.list(root, pageSize="10", pageToken=token)).status == 200


def of_many(tree: Tree, count: int) -> Node:
    root = tree.folder("Root")
    tree.numbered_files(root, count, size_bytes=10)
    return root


async def all_pages(asker: Asker, folder: Node, *, page_size: int) -> list[dict[str, list[dict[str, str]]]]:
    pages: list[dict[str, list[dict[str, str]]]] = []
    token: dict[str, str] = {}
    while True:
        page = (await asker.list(folder, pageSize=str(page_size), **token)).json
        pages.append(page)
        if "nextPageToken" not in page:
            return pages
        token = {"pageToken": page["nextPageToken"]}


def names(pages: list[dict[str, list[dict[str, str]]]]) -> list[str]:
    return [file["name"] for page in pages for file in page["files"]]
