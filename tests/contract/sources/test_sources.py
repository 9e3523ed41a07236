"""What every source must do: the same suite over the fake, the API and the public pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from imageferry.demo.entries import Node
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree
from imageferry.errors import NotFoundError, PageTokenError, Reason, UsageError
from imageferry.model import File, Folder, FolderRef, Page
from imageferry.sources.base import Source
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.public_source import PublicFolderSource
from imageferry.sources.memory import MemorySource
from imageferry.sources.quota import SharedSource
from imageferry.sources.registry import open_google_drive
from imageferry.sources.retry import RetryingSource
from imageferry.sources.throttle import ThrottledSource
from imageferry.telemetry.metrics import Metrics

PICTURE = bytes(range(256)) * 1000
LARGE = bytes(range(251)) * 20_000  # several chunks
PAGE_SIZE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocked:
    """A source that holds "Holiday": three pictures (two of one name), one empty file, "Beach" with one in it."""

    source: Source
    root_id: str
    file_id: str
    empty_folder_id: str


@asynccontextmanager
async def memory() -> AsyncIterator[Stocked]:
    source = MemorySource(page_size=PAGE_SIZE)
    root = source.add_folder("Holiday")
    beach = source.add_folder("Beach", parent=root)
    picture = source.add_file("a.jpg", PICTURE, parent=root)
    source.add_file("a.jpg", LARGE, parent=root)
    source.add_file("b.jpg", b"b", parent=root)
    source.add_file("empty.jpg", b"", parent=root)
    source.add_file("c.jpg", b"c", parent=beach)
    empty = source.add_folder("Empty")
    yield Stocked(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
    await source.close()


def stock(tree: Tree) -> tuple[Node, Node, Node]:
    root = tree.folder("Holiday")
    beach = tree.folder("Beach", parent=root)
    picture = tree.file(root, "a.jpg", content=PICTURE)
    tree.file(root, "a.jpg", content=LARGE)
    tree.file(root, "b.jpg", content=b"b")
    tree.file(root, "empty.jpg", content=b"")
    tree.file(beach, "c.jpg", content=b"c")
    return root, picture, tree.folder("Empty")


@asynccontextmanager
async def api() -> AsyncIterator[Stocked]:
    tree = Tree()
    root, picture, empty = stock(tree)
    async with StandIn(tree) as drive:
        source = open_google_drive(GoogleDriveConfig(endpoint=drive.url, api_key=drive.api_key))
        yield Stocked(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
        await source.close()


@asynccontextmanager
async def public() -> AsyncIterator[Stocked]:
    tree = Tree()
    root, picture, empty = stock(tree)
    async with StandIn(tree, scan_bytes_max=len(LARGE) - 1) as drive:
        source = PublicFolderSource(GoogleDriveConfig(web_endpoint=drive.url), page_size=PAGE_SIZE)
        yield Stocked(source=source, root_id=root.id, file_id=picture.id, empty_folder_id=empty.id)
        await source.close()


@asynccontextmanager
async def wrapped() -> AsyncIterator[Stocked]:
    async with memory() as inner:
        paced = ThrottledSource(SharedSource(inner.source))
        source = RetryingSource(Metrics().around_source(paced, paced=paced))
        yield Stocked(
            source=source, root_id=inner.root_id, file_id=inner.file_id, empty_folder_id=inner.empty_folder_id
        )


@pytest.fixture(params=[memory, api, public, wrapped], ids=lambda make: make.__name__)
async def stocked(request: pytest.FixtureRequest) -> AsyncIterator[Stocked]:
    async with request.param() as made:
        yield made


async def listed(source: Source, folder: Folder) -> Page:
    """All pages as one."""
    pages = [await source.list_page(folder)]
    while token := pages[-1].next_page_token:
        pages.append(await source.list_page(folder, page_token=token))
        assert len(pages) < 10
    return Page(
        files=tuple(file for page in pages for file in page.files),
        folders=tuple(folder for page in pages for folder in page.folders),
    )


async def resolved(stocked: Stocked) -> Folder:
    return await stocked.source.resolve(FolderRef(source=stocked.source.name, folder_id=stocked.root_id))


async def test_a_locator_resolves_to_the_folder_it_names(stocked: Stocked) -> None:
    assert await resolved(stocked) == Folder(id=stocked.root_id, name="Holiday")


async def test_a_folder_that_is_not_there_is_not_found(stocked: Stocked) -> None:
    with pytest.raises(NotFoundError) as raised:
        await stocked.source.resolve(FolderRef(source=stocked.source.name, folder_id="1" + "x" * 32))
    assert raised.value.reason is Reason.FOLDER_NOT_FOUND


async def test_a_file_is_no_folder(stocked: Stocked) -> None:
    with pytest.raises(UsageError) as raised:
        await stocked.source.resolve(FolderRef(source=stocked.source.name, folder_id=stocked.file_id))
    assert raised.value.reason is Reason.NOT_A_FOLDER_URL


async def test_a_listing_has_every_child_once_and_nothing_below(stocked: Stocked) -> None:
    page = await listed(stocked.source, await resolved(stocked))
    assert sorted(file.name for file in page.files) == ["a.jpg", "a.jpg", "b.jpg", "empty.jpg"]
    assert len({file.id for file in page.files}) == 4
    assert [folder.name for folder in page.folders] == ["Beach"]
    below = await listed(stocked.source, page.folders[0])
    assert [file.name for file in below.files] == ["c.jpg"]


async def test_an_empty_folder_lists_as_nothing(stocked: Stocked) -> None:
    page = await stocked.source.list_page(Folder(id=stocked.empty_folder_id, name="Empty"))
    assert page == Page()


async def test_a_page_token_of_no_page_is_refused(stocked: Stocked) -> None:
    with pytest.raises(PageTokenError):
        await stocked.source.list_page(await resolved(stocked), page_token="made-up")


async def test_every_file_is_read_and_streamed_as_it_is(stocked: Stocked) -> None:
    page = await listed(stocked.source, await resolved(stocked))
    contents = sorted([bytes(await stocked.source.read(file)) for file in page.files])
    assert contents == sorted([b"", b"b", PICTURE, LARGE])
    streamed = [[chunk async for chunk in stocked.source.stream(file)] for file in page.files]
    assert sorted(b"".join(chunks) for chunks in streamed) == contents
    assert all(0 < len(chunk) <= 1 << 20 for chunks in streamed for chunk in chunks)


@pytest.mark.parametrize("offset_bytes", [1, len(PICTURE) // 2, len(PICTURE) - 1])
async def test_a_stream_begins_where_it_is_asked_to(stocked: Stocked, offset_bytes: int) -> None:
    file = await stocked.source.stat(stocked.file_id)
    assert isinstance(file, File)
    chunks = [chunk async for chunk in stocked.source.stream(file, offset_bytes=offset_bytes)]
    assert b"".join(chunks) == PICTURE[offset_bytes:]


async def test_a_stream_may_be_left_half_way(stocked: Stocked) -> None:
    file = await stocked.source.stat(stocked.file_id)
    assert isinstance(file, File)
    stream = stocked.source.stream(file)
    assert await anext(stream)
    await stream.aclose()
    assert await stocked.source.read(file) == PICTURE


async def test_a_file_that_is_not_there_is_gone(stocked: Stocked) -> None:
    missing = File(id="1" + "y" * 32, name="gone.jpg")
    with pytest.raises(NotFoundError) as raised:
        await stocked.source.read(missing)
    assert raised.value.reason is Reason.GONE
    with pytest.raises(NotFoundError):
        await stocked.source.stat(missing.id)
    with pytest.raises(NotFoundError):
        _ = [chunk async for chunk in stocked.source.stream(missing)]


async def test_a_single_file_or_folder_can_be_looked_up(stocked: Stocked) -> None:
    file = await stocked.source.stat(stocked.file_id)
    assert isinstance(file, File)
    assert (file.name, file.size_bytes) == ("a.jpg", len(PICTURE))
    assert isinstance(await stocked.source.stat(stocked.root_id), Folder)


async def test_closing_twice_is_closing_once(stocked: Stocked) -> None:
    await stocked.source.close()
    await stocked.source.close()
