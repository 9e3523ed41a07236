"""The contract that every source fulfils: in memory, Drive's API, Drive's public pages, and behind all wrappers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree
from imageferry.errors import NotFoundError, PageTokenError, Reason, UsageError
from imageferry.model import File, Folder, FolderRef, Page
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.public_source import PublicFolderSource
from imageferry.sources.memory import MemorySource
from imageferry.sources.quota import QuotaSource
from imageferry.sources.registry import open_google_drive
from imageferry.sources.retry import RetryingSource
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.metrics import Metrics
from tests.contract.sources.directory_server import serve_directory
from tests.contract.sources.http_directory import HttpDirectorySource, id_of

PICTURE = bytes(range(256)) * 1000
LARGE = bytes(range(251)) * 20_000  # several chunks
PAGE_SIZE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """A source with a folder "Holiday": three images (two of one name), an empty file, and "Beach" with one image.

    To test another source, add a context manager that yields one of these to the parameters of `fixture`.
    """

    source: Source
    root_id: str
    file_id: str
    empty_folder_id: str
    root_key: str | None = None  # resource keys, where the source needs them
    file_key: str | None = None
    empty_folder_key: str | None = None
    file_names: tuple[str, ...] = ("a.jpg", "a.jpg", "b.jpg", "empty.jpg")


@asynccontextmanager
async def memory() -> AsyncIterator[Fixture]:
    source = MemorySource(page_size=PAGE_SIZE)
    root = source.add_folder("Holiday")
    beach = source.add_folder("Beach", parent=root)
    picture = source.add_file("a.jpg", PICTURE, parent=root)
    source.add_file("a.jpg", LARGE, parent=root)
    source.add_file("b.jpg", b"b", parent=root)
    source.add_file("empty.jpg", b"", parent=root)
    source.add_file("c.jpg", b"c", parent=beach)
    empty = source.add_folder("Empty")
    yield Fixture(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
    await source.close()


def fill(tree: Tree) -> tuple[Node, Node, Node]:
    root = tree.folder("Holiday")
    beach = tree.folder("Beach", parent=root)
    picture = tree.file(root, "a.jpg", content=PICTURE)
    tree.file(root, "a.jpg", content=LARGE)
    tree.file(root, "b.jpg", content=b"b")
    tree.file(root, "empty.jpg", content=b"")
    tree.file(beach, "c.jpg", content=b"c")
    return root, picture, tree.folder("Empty")


@asynccontextmanager
async def api() -> AsyncIterator[Fixture]:
    tree = Tree()
    root, picture, empty = fill(tree)
    async with DriveTestServer(tree) as drive:
        source = open_google_drive(GoogleDriveConfig(endpoint=drive.url, api_key=drive.api_key))
        yield Fixture(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
        await source.close()


@asynccontextmanager
async def public() -> AsyncIterator[Fixture]:
    tree = Tree()
    root, picture, empty = fill(tree)
    async with DriveTestServer(tree, scan_bytes_max=len(LARGE) - 1) as drive:
        source = PublicFolderSource(GoogleDriveConfig(web_endpoint=drive.url), page_size=PAGE_SIZE)
        yield Fixture(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
        await source.close()


@asynccontextmanager
async def wrapped() -> AsyncIterator[Fixture]:
    async with memory() as inner:
        throttled = ThrottledSource(QuotaSource(inner.source))
        source = RetryingSource(Metrics().wrap_source(throttled, throttled=throttled))
        yield Fixture(
            source=source, root_id=inner.root_id, file_id=inner.file_id, empty_folder_id=inner.empty_folder_id
        )


@asynccontextmanager
async def http_directory() -> AsyncIterator[Fixture]:
    names = ("a.jpg", "a%2 #é.jpg", "b.jpg", "empty.jpg")  # a directory has no two files of one name
    root, picture, empty = "/photos/Holiday/", "/photos/Holiday/a.jpg", "/photos/Empty/"
    files = {root + name: content for name, content in zip(names, (PICTURE, LARGE, b"b", b""), strict=True)}
    async with serve_directory(files | {f"{root}Beach/c.jpg": b"c"}, folders=(empty,)) as url:
        source = HttpDirectorySource(url, page_size=PAGE_SIZE)
        yield Fixture(
            source=source,
            root_id=id_of(root),
            root_key=root,
            file_id=id_of(picture),
            file_key=picture,
            empty_folder_id=id_of(empty),
            empty_folder_key=empty,
            file_names=names,
        )
        await source.close()


@pytest.fixture(params=[memory, api, public, http_directory, wrapped], ids=lambda create: create.__name__)
async def fixture(request: pytest.FixtureRequest) -> AsyncIterator[Fixture]:
    async with request.param() as fixture:
        yield fixture


async def list_all(source: Source, folder: Folder) -> Page:
    """Return all pages as one."""
    pages = [await source.list_page(folder)]
    while token := pages[-1].next_page_token:
        pages.append(await source.list_page(folder, page_token=token))
        assert len(pages) < 10
    return Page(
        files=tuple(file for page in pages for file in page.files),
        folders=tuple(folder for page in pages for folder in page.folders),
    )


async def resolve_root(fixture: Fixture) -> Folder:
    return await fixture.source.resolve(
        FolderRef(source=fixture.source.name, folder_id=fixture.root_id, resource_key=fixture.root_key)
    )


async def test_a_reference_resolves_to_its_folder(fixture: Fixture) -> None:
    assert await resolve_root(fixture) == Folder(id=fixture.root_id, name="Holiday", resource_key=fixture.root_key)


async def test_a_missing_folder_is_not_found(fixture: Fixture) -> None:
    with pytest.raises(NotFoundError) as raised:
        await fixture.source.resolve(FolderRef(source=fixture.source.name, folder_id="1" + "x" * 32))
    assert raised.value.reason is Reason.FOLDER_NOT_FOUND


async def test_a_file_does_not_resolve_as_a_folder(fixture: Fixture) -> None:
    with pytest.raises(UsageError) as raised:
        await fixture.source.resolve(
            FolderRef(source=fixture.source.name, folder_id=fixture.file_id, resource_key=fixture.file_key)
        )
    assert raised.value.reason is Reason.NOT_A_FOLDER_URL


async def test_a_listing_contains_every_child_once_and_no_grandchildren(fixture: Fixture) -> None:
    page = await list_all(fixture.source, await resolve_root(fixture))
    assert sorted(file.name for file in page.files) == sorted(fixture.file_names)
    assert len({file.id for file in page.files}) == 4
    assert [folder.name for folder in page.folders] == ["Beach"]
    below = await list_all(fixture.source, page.folders[0])
    assert [file.name for file in below.files] == ["c.jpg"]


async def test_an_empty_folder_has_an_empty_page(fixture: Fixture) -> None:
    page = await fixture.source.list_page(
        Folder(id=fixture.empty_folder_id, name="Empty", resource_key=fixture.empty_folder_key)
    )
    assert page == Page()


async def test_an_invalid_page_token_is_rejected(fixture: Fixture) -> None:
    with pytest.raises(PageTokenError):
        await fixture.source.list_page(await resolve_root(fixture), page_token="made-up")


async def test_every_file_is_read_and_streamed_unchanged(fixture: Fixture) -> None:
    page = await list_all(fixture.source, await resolve_root(fixture))
    contents = sorted([bytes(await fixture.source.read(file)) for file in page.files])
    assert contents == sorted([b"", b"b", PICTURE, LARGE])
    streamed = [[chunk async for chunk in fixture.source.stream(file)] for file in page.files]
    assert sorted(b"".join(chunks) for chunks in streamed) == contents
    assert all(0 < len(chunk) <= 1 << 20 for chunks in streamed for chunk in chunks)


@pytest.mark.parametrize("offset_bytes", [1, len(PICTURE) // 2, len(PICTURE) - 1])
async def test_a_stream_starts_at_its_offset(fixture: Fixture, offset_bytes: int) -> None:
    file = await fixture.source.stat(fixture.file_id, resource_key=fixture.file_key)
    assert isinstance(file, File)
    chunks = [chunk async for chunk in fixture.source.stream(file, offset_bytes=offset_bytes)]
    assert b"".join(chunks) == PICTURE[offset_bytes:]


async def test_a_stream_can_be_closed_half_way(fixture: Fixture) -> None:
    file = await fixture.source.stat(fixture.file_id, resource_key=fixture.file_key)
    assert isinstance(file, File)
    stream = fixture.source.stream(file)
    assert await anext(stream)
    await stream.aclose()
    assert await fixture.source.read(file) == PICTURE


async def test_a_missing_file_is_gone(fixture: Fixture) -> None:
    missing = File(id="1" + "y" * 32, name="gone.jpg")
    with pytest.raises(NotFoundError) as raised:
        await fixture.source.read(missing)
    assert raised.value.reason is Reason.GONE
    with pytest.raises(NotFoundError):
        await fixture.source.stat(missing.id)
    with pytest.raises(NotFoundError):
        _ = [chunk async for chunk in fixture.source.stream(missing)]


async def test_a_single_file_or_folder_can_be_looked_up(fixture: Fixture) -> None:
    file = await fixture.source.stat(fixture.file_id, resource_key=fixture.file_key)
    assert isinstance(file, File)
    assert (file.name, file.size_bytes) == ("a.jpg", len(PICTURE))
    assert isinstance(await fixture.source.stat(fixture.root_id, resource_key=fixture.root_key), Folder)


async def test_closing_is_idempotent(fixture: Fixture) -> None:
    await fixture.source.close()
    await fixture.source.close()
