"""Google's Python client against the API."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import google.oauth2.credentials
import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.discovery import build  # type: ignore[import-untyped] # has no stubs
from googleapiclient.errors import HttpError  # type: ignore[import-untyped] # has no stubs
from googleapiclient.http import MediaIoBaseDownload  # type: ignore[import-untyped] # has no stubs

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
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
async def drive(tree: Tree) -> AsyncIterator[DriveTestServer]:
    async with DriveTestServer(tree) as drive:
        yield drive


async def test_the_client_lists_a_folder_of_many_pages_completely(tree: Tree, drive: DriveTestServer) -> None:
    root = tree.folder("Many")
    tree.numbered_files(root, 2_345, size_bytes=1_000)
    tree.file(root, "last.jpg", content=b"last")

    with client(drive) as service:
        names = [file["name"] for file in await asyncio.to_thread(list_folder, service, root)]

    assert len(set(names)) == len(names) == 2_346
    assert names[-1] == "last.jpg"
    assert drive.requests.count(Operation.LIST) == 1
    assert drive.requests.count(Operation.PAGE) == 2


async def test_the_client_downloads_files_with_the_listed_size_and_digest(tree: Tree, drive: DriveTestServer) -> None:
    root = tree.folder("Big")
    tree.numbered_files(root, 2, size_bytes=3_000_001)

    with client(drive) as service:
        listed = await asyncio.to_thread(list_folder, service, root)
        # In chunks, so with Range headers.
        bodies = [await asyncio.to_thread(download, service, file["id"]) for file in listed]

    for file, body in zip(listed, bodies, strict=True):
        assert len(body) == int(file["size"]) == 3_000_001
        assert hashlib.md5(body, usedforsecurity=False).hexdigest() == file["md5Checksum"]


async def test_a_shortcut_shows_its_target(tree: Tree, drive: DriveTestServer) -> None:
    root, other = tree.folder("Root"), tree.folder("Other", with_resource_key=True)
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


async def test_files_that_need_a_resource_key_are_missing_without_it(tree: Tree, drive: DriveTestServer) -> None:
    root = tree.folder("Old link", with_resource_key=True)
    file = tree.file(root, "old.jpg", content=b"old", with_resource_key=True)

    with client(drive) as service:
        without = service.files().get(fileId=file.id)
        assert await error_of(without) == (404, "notFound")
        assert await error_of(service.files().list(q=f"'{root.id}' in parents")) == (404, "notFound")

        keyed = service.files().list(q=f"'{root.id}' in parents", fields=LISTING)
        keyed.headers["X-Goog-Drive-Resource-Keys"] = f"{root.id}/{root.resource_key}"
        (listed,) = (await asyncio.to_thread(keyed.execute))["files"]
        assert listed["resourceKey"] == file.resource_key

        keyed = service.files().get_media(fileId=file.id)
        keyed.headers["X-Goog-Drive-Resource-Keys"] = f"{root.id}/{root.resource_key},{file.id}/{listed['resourceKey']}"
        assert await asyncio.to_thread(keyed.execute) == b"old"


async def test_accounts_can_access_private_folders_and_shared_drives(tree: Tree, drive: DriveTestServer) -> None:
    private = tree.folder("Private", sharing=Sharing.ACCOUNT)
    tree.file(private, "mine.jpg", content=b"mine")
    team = tree.shared_drive("Team")
    tree.file(team, "ours.jpg", content=b"ours")

    with client(drive) as anonymous:
        assert await error_of(anonymous.files().get(fileId=private.id)) == (404, "notFound")

    with client(drive, token=drive.access_token()) as service:
        for folder, name in ((private, "mine.jpg"), (team, "ours.jpg")):
            (file,) = await asyncio.to_thread(list_folder, service, folder)
            assert file["name"] == name
        without = service.files().list(q=f"'{team.id}' in parents")
        assert await error_of(without) == (404, "notFound")
        drives = await asyncio.to_thread(service.drives().list().execute)
        assert drives["drives"] == [{"kind": "drive#drive", "id": team.id, "name": "Team"}]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.RATE_LIMIT, 403),
        (ErrorKind.USER_RATE_LIMIT, 403),
        (ErrorKind.SHARING_RATE_LIMIT, 403),
        (ErrorKind.DAILY_LIMIT, 403),
        (ErrorKind.QUOTA, 403),
        (ErrorKind.DOWNLOAD_QUOTA, 403),
        (ErrorKind.ABUSIVE, 403),
        (ErrorKind.CANNOT_DOWNLOAD, 403),
        (ErrorKind.NO_PERMISSION, 403),
        (ErrorKind.BAD_KEY_OLD, 400),
        (ErrorKind.INTERNAL, 500),
        (ErrorKind.BACKEND, 503),
    ],
)
async def test_an_injected_error_has_drives_reason(
    tree: Tree, drive: DriveTestServer, kind: ErrorKind, status: int
) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")
    drive.faults.add(Fault(kind=kind, times=1))

    with client(drive) as service:
        assert await error_of(service.files().get_media(fileId=file.id)) == (status, kind.value)
        assert await asyncio.to_thread(service.files().get_media(fileId=file.id).execute) == b"a"


async def test_rejected_credentials_have_drives_errors(tree: Tree, drive: DriveTestServer) -> None:
    file = tree.file(tree.folder("Root"), "a.jpg", content=b"a")

    with client(drive, key="wrong") as service, pytest.raises(HttpError) as wrong_key:
        await asyncio.to_thread(service.files().get(fileId=file.id).execute)
    with client(drive, token="stale") as service, pytest.raises(RefreshError):
        # The client requests another token after a 401.
        await asyncio.to_thread(service.files().get(fileId=file.id).execute)
    drive.faults.add(Fault(kind=ErrorKind.API_DISABLED, on=Operation.GET, times=1))
    with client(drive) as service:
        assert await error_of(service.files().get(fileId=file.id)) == (403, "SERVICE_DISABLED")

    assert wrong_key.value.status_code == 400
    assert "API key not valid" in wrong_key.value.reason
    assert drive.requests.statuses[401] == 1


async def test_files_that_cannot_be_downloaded_have_drives_errors(tree: Tree, drive: DriveTestServer) -> None:
    root = tree.folder("Root")
    document = tree.document(root, "Notes")
    locked = tree.file(root, "locked.jpg", content=b"locked", downloadable=False)

    with client(drive) as service:
        assert await error_of(service.files().get_media(fileId=document.id)) == (403, "fileNotDownloadable")
        assert await error_of(service.files().get_media(fileId=locked.id)) == (403, "cannotDownloadFile")
        assert (
            await asyncio.to_thread(service.files().export_media(fileId=document.id, mimeType="text/plain").execute)
            == b"Notes"
        )


async def test_invalid_requests_are_rejected(tree: Tree, drive: DriveTestServer) -> None:
    root = tree.folder("Root")
    inside = f"'{root.id}' in parents"

    with client(drive) as service:
        assert await error_of(service.files().list(q=inside, fields="files(wrong)")) == (400, "invalidParameter")
        assert await error_of(service.files().list(q="nonsense !!")) == (400, "invalid")
        assert await error_of(service.files().list(q=inside, pageToken="garbage")) == (400, "invalid")
        assert await error_of(service.files().list(q=inside, pageSize=1001)) == (400, "invalidParameter")
        assert await error_of(service.about().get()) == (400, "required")


@contextmanager
def client(drive: DriveTestServer, *, key: str | None = None, token: str | None = None) -> Iterator[Any]:
    """Create Google's client for the test server."""
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
    """List a folder page by page, as in Google's documentation."""
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


async def error_of(request: Any) -> tuple[int, str]:  # noqa: ANN401 - the client is built at run time
    """Return the status and the reason of a failing request."""
    with pytest.raises(HttpError) as raised:
        await asyncio.to_thread(request.execute)
    return raised.value.status_code, raised.value.error_details[0]["reason"]
