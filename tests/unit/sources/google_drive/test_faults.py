"""Faults of Drive and of the network, and the errors that each source raises for them."""

from functools import partial

import pytest

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.faults import Damage, Fault
from imageferry.demo.operations import Operation
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import (
    BlockedError,
    DeferredError,
    ImageferryError,
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
    UsageError,
)
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, FolderRef
from imageferry.sources.base import Source
from imageferry.sources.google_drive.api_source import GoogleDriveSource
from imageferry.sources.google_drive.config import GoogleDriveConfig, Timeouts
from imageferry.sources.google_drive.public_source import PublicFolderSource
from tests.unit.sources.google_drive.conftest import PICTURE


async def read_stream(source: Source, file: File, *, offset_bytes: int = 0) -> bytes:
    return b"".join([chunk async for chunk in source.stream(file, offset_bytes=offset_bytes)])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ErrorKind.RATE_LIMIT, (ThrottledError, Reason.RATE_LIMITED)),
        (ErrorKind.USER_RATE_LIMIT, (ThrottledError, Reason.RATE_LIMITED)),
        (ErrorKind.TOO_MANY_REQUESTS, (ThrottledError, Reason.RATE_LIMITED)),
        (ErrorKind.SORRY, (ThrottledError, Reason.RATE_LIMITED)),
        (ErrorKind.DOWNLOAD_QUOTA, (DeferredError, Reason.DOWNLOAD_QUOTA)),
        (ErrorKind.INTERNAL, (TransientError, Reason.SOURCE_UNAVAILABLE)),
        (ErrorKind.BAD_GATEWAY, (TransientError, Reason.SOURCE_UNAVAILABLE)),
        (ErrorKind.UNAVAILABLE, (ThrottledError, Reason.SOURCE_UNAVAILABLE)),
        (ErrorKind.NOT_FOUND, (NotFoundError, Reason.GONE)),
        (Damage.ERROR_JSON, (TransientError, Reason.UNEXPECTED_PAGE)),
        (Damage.SHORT, (TransientError, Reason.CORRUPT)),
        (Damage.LONG, (TransientError, Reason.CORRUPT)),
        (Damage.RESET_AT_START, (TransientError, Reason.SOURCE_UNAVAILABLE)),
        (Damage.RESET_HALF_WAY, (TransientError, Reason.CORRUPT)),
        (Damage.RESET_AT_END, (TransientError, Reason.CORRUPT)),
    ],
)
async def test_bytes_that_do_not_arrive_intact_raise_an_error(
    source: Source,
    drive: DriveTestServer,
    file: File,
    fault: ErrorKind | Damage,
    expected: tuple[type[ImageferryError], Reason],
) -> None:
    drive.faults.add(Fault(kind=fault, on=Operation.BYTES))
    for read in (source.read, partial(read_stream, source)):
        with pytest.raises(ImageferryError) as raised:
            await read(file)
        assert (type(raised.value), raised.value.reason) == expected
    drive.faults.clear()
    assert await source.read(file) == PICTURE


async def test_a_web_page_is_never_returned_as_the_bytes_of_a_file(
    source: Source, drive: DriveTestServer, file: File
) -> None:
    drive.faults.add(Fault(kind=Damage.HTML, on=Operation.BYTES))
    for read in (source.read, partial(read_stream, source)):
        with pytest.raises(TransientError):
            await read(file)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ErrorKind.ABUSIVE, (PermanentError, Reason.ABUSIVE)),
        (ErrorKind.CANNOT_DOWNLOAD, (PermanentError, Reason.FORBIDDEN)),
        (ErrorKind.NO_PERMISSION, (PermanentError, Reason.FORBIDDEN)),
        (ErrorKind.NOT_DOWNLOADABLE, (PermanentError, Reason.FORBIDDEN)),
        (ErrorKind.QUOTA, (DeferredError, Reason.DOWNLOAD_QUOTA)),
        (ErrorKind.DAILY_LIMIT, (BlockedError, Reason.DAILY_LIMIT)),
        (ErrorKind.BAD_KEY, (BlockedError, Reason.CREDENTIALS_REJECTED)),
        (ErrorKind.BAD_KEY_OLD, (BlockedError, Reason.CREDENTIALS_REJECTED)),
        (ErrorKind.NO_KEY, (BlockedError, Reason.CREDENTIALS_REJECTED)),
        (ErrorKind.BAD_CREDENTIALS, (BlockedError, Reason.CREDENTIALS_REJECTED)),
        (ErrorKind.API_DISABLED, (BlockedError, Reason.CREDENTIALS_REJECTED)),
    ],
)
async def test_the_api_distinguishes_errors_of_a_file_from_errors_of_the_job(
    api: GoogleDriveSource,
    drive: DriveTestServer,
    file: File,
    fault: ErrorKind,
    expected: tuple[type[ImageferryError], Reason],
) -> None:
    drive.faults.add(Fault(kind=fault))
    with pytest.raises(ImageferryError) as raised:
        await api.read(file)
    assert (type(raised.value), raised.value.reason) == expected
    assert drive.api_key not in str(raised.value)


async def test_retry_after_is_passed_on(api: GoogleDriveSource, drive: DriveTestServer, file: File) -> None:
    drive.faults.add(Fault(kind=ErrorKind.TOO_MANY_REQUESTS, on=Operation.BYTES, retry_after_s=7))
    with pytest.raises(ThrottledError) as raised:
        await api.read(file)
    assert raised.value.retry_after_s == 7


@pytest.mark.usefixtures("timeouts")
@pytest.mark.parametrize("timeouts", [Timeouts(stall_s=0.3, bytes_per_s_min=1_000_000)])
@pytest.mark.parametrize(("damage", "seconds"), [(Damage.STALL, 5), (Damage.TRICKLE, 0.1)])
async def test_a_body_that_stalls_or_trickles_times_out(
    source: Source, drive: DriveTestServer, file: File, damage: Damage, seconds: float
) -> None:
    drive.faults.add(Fault(kind=damage, on=Operation.BYTES, seconds=seconds))
    with pytest.raises(TransientError):
        await source.read(file)
    with pytest.raises(TransientError) as raised:
        await read_stream(source, file)
    assert raised.value.reason is Reason.SOURCE_UNAVAILABLE


async def test_a_stream_starts_at_its_offset_even_if_drive_ignores_it(
    source: Source, drive: DriveTestServer, file: File
) -> None:
    drive.faults.add(Fault(kind=Damage.RANGE_IGNORED, on=Operation.BYTES))
    assert await read_stream(source, file, offset_bytes=70_000) == PICTURE[70_000:]


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/", "https://example.com/"])
async def test_a_redirect_to_another_host_is_not_followed(
    source: Source, drive: DriveTestServer, file: File, root: Node, location: str
) -> None:
    drive.faults.add(Fault(kind=Damage.REDIRECT, on=Operation.ANY, location=location))
    with pytest.raises(PermanentError) as raised:
        await source.read(file)
    assert raised.value.reason is Reason.REFUSED_REDIRECT
    with pytest.raises(PermanentError) as raised:
        await source.list_page(Folder(id=root.id, name=""))
    assert raised.value.reason is Reason.REFUSED_REDIRECT


async def test_a_redirect_loop_ends(api: GoogleDriveSource, drive: DriveTestServer, file: File) -> None:
    drive.faults.add(Fault(kind=Damage.REDIRECT, location=f"{drive.url}/drive/v3/files/{file.id}?alt=media"))
    with pytest.raises(TransientError, match="too many times"):
        await api.read(file)


async def test_a_file_whose_size_changed_after_the_listing_is_corrupt(
    api: GoogleDriveSource, tree: Tree, file: File
) -> None:
    tree.replace_content(file.id, b"another picture")
    with pytest.raises(TransientError) as raised:
        await api.read(file)
    assert raised.value.reason is Reason.CORRUPT
    assert "15 or more" in raised.value.message
    changed = await api.stat(file.id)
    assert isinstance(changed, File)
    assert await api.read(changed) == b"another picture"


async def test_an_expired_page_token_is_a_page_token_error(
    api: GoogleDriveSource, tree: Tree, drive: DriveTestServer
) -> None:
    many = tree.folder("Many")
    tree.numbered_files(many, 1500, size_bytes=10)
    folder = Folder(id=many.id, name="Many")
    first = await api.list_page(folder)
    assert len(first.files) == 1000
    drive.faults.add(Fault(kind=ErrorKind.BAD_PAGE, on=Operation.PAGE))
    with pytest.raises(PageTokenError):
        await api.list_page(folder, page_token=first.next_page_token)


async def test_empty_and_incomplete_pages_are_returned_as_such(
    api: GoogleDriveSource, drive: DriveTestServer, root: Node
) -> None:
    folder = Folder(id=root.id, name="Holiday")
    drive.faults.add(Fault(kind=Damage.EMPTY_PAGE, on=Operation.LIST, times=1))
    empty = await api.list_page(folder)
    assert empty.files == ()
    assert empty.next_page_token
    assert len((await api.list_page(folder, page_token=empty.next_page_token)).files) == 1
    drive.faults.clear()
    drive.faults.add(Fault(kind=Damage.INCOMPLETE, on=Operation.LIST))
    assert not (await api.list_page(folder)).is_complete


@pytest.mark.parametrize("damage", [Damage.HTML, Damage.ERROR_JSON])
async def test_an_invalid_listing_is_a_transient_error_and_never_an_empty_folder(
    source: Source, drive: DriveTestServer, root: Node, damage: Damage
) -> None:
    drive.faults.add(Fault(kind=damage, on=Operation.LISTING | Operation.WEB_FOLDER))
    with pytest.raises(TransientError):
        await source.list_page(Folder(id=root.id, name="Holiday"))


@pytest.mark.parametrize("sharing", [Sharing.ACCOUNT, Sharing.NOBODY])
async def test_a_private_folder_is_not_found(source: Source, tree: Tree, root: Node, sharing: Sharing) -> None:
    tree.share(root, sharing)
    with pytest.raises(NotFoundError, match="Anyone with the link") as raised:
        await source.resolve(FolderRef(source=source.name, folder_id=root.id))
    assert raised.value.reason is Reason.FOLDER_NOT_FOUND


async def test_a_folder_in_the_bin_is_not_found(source: Source, tree: Tree, root: Node) -> None:
    tree.trash(root)
    with pytest.raises(NotFoundError):
        await source.resolve(FolderRef(source=source.name, folder_id=root.id))


async def test_a_files_link_is_rejected(source: Source, file: File) -> None:
    with pytest.raises(UsageError, match="link of a file"):
        await source.resolve(FolderRef(source=source.name, folder_id=file.id))


async def test_a_resource_key_opens_a_folder_that_needs_one(source: Source, tree: Tree) -> None:
    keyed = tree.folder("Old", with_resource_key=True)
    inner = tree.file(keyed, "old.jpg", content=b"old", with_resource_key=True)
    with pytest.raises(NotFoundError):
        await source.resolve(FolderRef(source=source.name, folder_id=keyed.id))
    folder = await source.resolve(FolderRef(source=source.name, folder_id=keyed.id, resource_key=keyed.resource_key))
    assert folder == Folder(id=keyed.id, name="Old", resource_key=keyed.resource_key)
    (listed,) = (await source.list_page(folder)).files
    assert listed.resource_key == inner.resource_key
    assert await source.read(listed) == b"old"
    assert await read_stream(source, listed, offset_bytes=1) == b"ld"


async def test_shortcuts_are_listed_and_a_shortcut_to_the_root_is_followed(
    api: GoogleDriveSource, tree: Tree, root: Node, file: File
) -> None:
    elsewhere = tree.folder("Elsewhere")
    to_root = tree.shortcut(elsewhere, to=root)
    tree.shortcut(elsewhere, to=tree[file.id])
    folder = await api.resolve(FolderRef(source="google_drive", folder_id=to_root.id))
    assert folder.id == root.id
    shortcuts = (await api.list_page(Folder(id=elsewhere.id, name=""))).shortcuts
    assert {(shortcut.target_id, shortcut.target_mime_type) for shortcut in shortcuts} == {
        (root.id, FOLDER_MIME_TYPE),
        (file.id, file.mime_type),
    }


async def test_an_unreachable_server_is_a_transient_error(source: Source, drive: DriveTestServer, file: File) -> None:
    await drive.__aexit__(None, None, None)
    with pytest.raises(TransientError) as raised:
        await source.read(file)
    assert raised.value.reason is Reason.SOURCE_UNAVAILABLE


async def test_the_download_form_of_a_large_file_is_followed(tree: Tree, root: Node) -> None:
    content = bytes(1000)
    tree.file(root, "large.jpg", content=content)
    async with DriveTestServer(tree, scan_bytes_max=999) as drive:
        source = PublicFolderSource(GoogleDriveConfig(web_endpoint=drive.url))
        files = (await source.list_page(Folder(id=root.id, name=""))).files
        (large,) = [file for file in files if file.name == "large.jpg"]
        assert await source.read(large) == content
        assert await read_stream(source, large, offset_bytes=990) == content[990:]
        await source.close()
