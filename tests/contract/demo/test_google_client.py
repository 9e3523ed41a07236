"""Google's own Python client against the stand-in."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import google.oauth2.credentials
import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.discovery import build  # type: ignore[import-untyped] # it has no stubs
from googleapiclient.errors import HttpError  # type: ignore[import-untyped] # the same
from googleapiclient.http import MediaIoBaseDownload  # type: ignore[import-untyped] # the same

from imageferry.demo.drive.refusals import Refusal
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree

LISTING = (
    "nextPageToken,incompleteSearch,"
    "files(id,name,mimeType,size,md5Checksum,resourceKey,capabilities/canDownload,shortcutDetails)"
)
ALL_DRIVES = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
async def drive(tree: Tree) -> AsyncIterator[StandIn]:
    async with StandIn(tree) as drive:
        yield drive


async def test_it_lists_a_folder_of_many_pages_completely(tree: Tree, drive: StandIn) -> None:
    root = tree.folder("Many")
    tree.numbered_files(root, 2_345, size_bytes=1_000)
    tree.file(root, "last.jpg", content=b"last")

    with client(drive) as service:
        names = [file["name"] for file in await asyncio.to_thread(list_folder, service, root)]

    assert len(set(names)) == len(names) == 2_346
    assert names[-1] == "last.jpg"
    assert drive.requests.count(Operation.LIST) == 1
    assert drive.requests.count(Operation.PAGE) == 2


async def test_it_downloads_what_the_listing_announced(tree: Tree, drive: StandIn) -> None:
    root = tree.folder("Big")
    tree.numbered_files(root, 2, size_bytes=3_000_001)

    with client(drive) as service:
        listed = await asyncio.to_thread(list_folder, service, root)
        # In chunks, and so with Range headers.
        bodies = [await asyncio.to_thread(download, service, file["id"]) for file in listed]

    for file, body in zip(listed, bodies, strict=True):
        assert len(body) == int(file["size"]) == 3_000_001
        assert hashlib.md5(body, usedforsecurity=False).hexdigest() == file["md5Checksum"]


async def test_a_shortcut_shows_its_target(tree: Tree, drive: StandIn) -> None:
    root, other = tree.folder("Root"), tree.folder("Other", keyed=True)
    tree.shortcut(root, to=other)

    with client(drive) as service:
        (shortcut,) = await asyncio.to_thread(list_folder, service, root)

    assert shortcut["mimeType"] == "application/vnd.google-apps.shortcut"
    assert shortcut["shortcutDetails"] == {
        "targetId": other.id,
        "targetMimeType": "application/vnd.google-apps.folder",
        "targetResourceKey": other.resource_key,
    }
    assert "size" not in shortcut


async def test_a_resource_key_opens_what_is_missing_without_it(tree: Tree, drive: StandIn) -> None:
    root = tree.folder("Old link", keyed=True)
    file = tree.file(root, "old.jpg", content=b"old", keyed=True)

    with client(drive) as service:
        without = service.files().get(fileId=file.id)
        assert await refused(without) == (404, "notFound")
        assert await refused(service.files().list(q=f"'{root.id}' in parents")) == (404, "notFound")

        keyed = service.files().list(q=f"'{root.id}' in parents", fields=LISTING)
        keyed.headers["X-Goog-Drive-Resource-Keys"] = f"{root.id}/{root.resource_key}"
        (shown,) = (await asyncio.to_thread(keyed.execute))["files"]
        assert shown["resourceKey"] == file.resource_key

        keyed = service.files().get_media(fileId=file.id)
        keyed.headers["X-Goog-Drive-Resource-Keys"] = f"{root.id}/{root.resource_key},{file.id}/{shown['resourceKey']}"
        assert await asyncio.to_thread(keyed.execute) == b"old"


async def test_private_folders_and_shared_drives_open_to_accounts(tree: Tree, drive: StandIn) -> None:
    private = tree.folder("Private", sharing=Sharing.ACCOUNT)
    tree.file(private, "mine.jpg", content=b"mine")
    team = tree.shared_drive("Team")
    tree.file(team, "ours.jpg", content=b"ours")

    with client(drive) as stranger:
        assert await refused(stranger.files().get(fileId=private.id)) == (404, "notFound")

    with client(drive, token=drive.access_token()) as service:
        for folder, name in ((private, "mine.jpg"), (team, "ours.jpg")):
            (file,) = await asyncio.to_thread(list_folder, service, folder)
            assert file["name"] == name
        without = service.files().list(q=f"'{team.id}' in parents")
        assert await refused(without) == (404, "notFound")
        drives = await asyncio.to_thread(service.drives().list().execute)
        assert drives["drives"] == [{"kind": "drive#drive", "id": team.id, "name": "Team"}]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Refusal.RATE_LIMIT, 403),
        (Refusal.USER_RATE_LIMIT, 403),
        (Refusal.SHARING_RATE_LIMIT, 403),
        (Refusal.DAILY_LIMIT, 403),
        (Refusal.QUOTA, 403),
        (Refusal.DOWNLOAD_QUOTA, 403),
        (Refusal.ABUSIVE, 403),
        (Refusal.CANNOT_DOWNLOAD, 403),
        (Refusal.NO_PERMISSION, 403),
        (Refusal.BAD_KEY_OLD, 400),
        (Refusal.INTERNAL, 500),
        (Refusal.BACKEND, 503),
    ],
)
async def test_a_refusal_to_order_carries_drives_reason(
    tree: Tree, drive: StandIn, refusal: Refusal, status: int
) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")
    drive.faults.add(Fault(kind=refusal, times=1))

    with client(drive) as service:
        assert await refused(service.files().get_media(fileId=file.id)) == (status, refusal.value)
        assert await asyncio.to_thread(service.files().get_media(fileId=file.id).execute) == b"a"


async def test_credentials_are_refused_in_drives_words(tree: Tree, drive: StandIn) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")

    with client(drive, key="wrong") as service, pytest.raises(HttpError) as wrong_key:
        await asyncio.to_thread(service.files().get(fileId=file.id).execute)
    with client(drive, token="stale") as service, pytest.raises(RefreshError):
        # The client asks for another token when it meets a 401.
        await asyncio.to_thread(service.files().get(fileId=file.id).execute)
    drive.faults.add(Fault(kind=Refusal.API_DISABLED, on=Operation.GET, times=1))
    with client(drive) as service:
        assert await refused(service.files().get(fileId=file.id)) == (403, "SERVICE_DISABLED")

    assert wrong_key.value.status_code == 400
    assert "API key not valid" in wrong_key.value.reason
    assert drive.requests.statuses[401] == 1


async def test_what_cannot_be_downloaded_is_refused_with_its_reason(tree: Tree, drive: StandIn) -> None:
    root = tree.folder("Root")
    document = tree.document(root, "Notes")
    locked = tree.file(root, "locked.jpg", content=b"locked", downloadable=False)

    with client(drive) as service:
        assert await refused(service.files().get_media(fileId=document.id)) == (403, "fileNotDownloadable")
        assert await refused(service.files().get_media(fileId=locked.id)) == (403, "cannotDownloadFile")
        assert (
            await asyncio.to_thread(service.files().export_media(fileId=document.id, mimeType="text/plain").execute)
            == b"Notes"
        )


async def test_requests_that_drive_would_not_read_are_refused(tree: Tree, drive: StandIn) -> None:
    root = tree.folder("Root")
    inside = f"'{root.id}' in parents"

    with client(drive) as service:
        assert await refused(service.files().list(q=inside, fields="files(wrong)")) == (400, "invalidParameter")
        assert await refused(service.files().list(q="nonsense !!")) == (400, "invalid")
        assert await refused(service.files().list(q=inside, pageToken="garbage")) == (400, "invalid")
        assert await refused(service.files().list(q=inside, pageSize=1001)) == (400, "invalidParameter")
        assert await refused(service.about().get()) == (400, "required")


@contextmanager
def client(drive: StandIn, *, key: str | None = None, token: str | None = None) -> Iterator[Any]:
    """Google's client, led to the stand-in."""
    credentials = google.oauth2.credentials.Credentials(token) if token else None  # type: ignore[no-untyped-call]
    with build(
        "drive",
        "v3",
        developerKey=None if credentials else key or drive.api_key,
        credentials=credentials,
        client_options={"api_endpoint": f"{drive.url}/drive/v3/"},
        static_discovery=True,
    ) as service:
        yield service


def list_folder(service: Any, folder: Node) -> list[dict[str, Any]]:  # noqa: ANN401 - the client is built at run time
    """The way that Google's documentation pages through a folder."""
    files: list[dict[str, Any]] = []
    request = service.files().list(
        q=f"'{folder.id}' in parents and trashed=false", pageSize=1000, fields=LISTING, **ALL_DRIVES
    )
    while request is not None:
        page = request.execute()
        files += page["files"]
        request = service.files().list_next(request, page)
    return files


def download(service: Any, file_id: str) -> bytes:  # noqa: ANN401 - the client is built at run time
    buffer = io.BytesIO()
    downloader = MediaIoBaseDownload(buffer, service.files().get_media(fileId=file_id), chunksize=1 << 20)
    done = False
    while not done:
        _, done = downloader.next_chunk()
    return buffer.getvalue()


async def refused(request: Any) -> tuple[int, str]:  # noqa: ANN401 - the client is built at run time
    """The status and the reason with which a request fails."""
    with pytest.raises(HttpError) as refusal:
        await asyncio.to_thread(request.execute)
    return refusal.value.status_code, refusal.value.error_details[0]["reason"]
