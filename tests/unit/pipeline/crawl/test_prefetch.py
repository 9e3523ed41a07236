"""PagePrefetcher: pages that are listed before they are requested."""

import asyncio
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from imageferry.errors import NotFoundError, Reason, TransientError
from imageferry.model import Crawl, Folder, FolderRef, Page
from imageferry.pipeline.crawl.page_listing import PageListing, list_root
from imageferry.pipeline.crawl.prefetch import EXPIRES_AFTER_S, PAGES_MAX, PagePrefetcher
from imageferry.sources.memory import MemorySource

FIRST = Crawl(job_id="j", source="memory", job_folder_id=1, folder=Folder(id="f", name="f"), path="")


@dataclass
class BlockingSource(MemorySource):
    """Records the requested page tokens, and returns pages once `may_return` is set."""

    page_tokens: list[str | None] = field(default_factory=list)
    may_return: asyncio.Event = field(default_factory=asyncio.Event)
    error: TransientError | None = None

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        del folder
        self.page_tokens.append(page_token)
        await self.may_return.wait()
        if self.error is not None:
            raise self.error
        return Page(files=(), folders=(), shortcuts=(), next_page_token=None)


@dataclass
class KeyRecordingSource(MemorySource):
    """Records the resource keys of the listed folders."""

    resource_keys: list[str | None] = field(default_factory=list)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        del page_token
        self.resource_keys.append(folder.resource_key)
        return Page(files=(), folders=(), shortcuts=(), next_page_token=None)


def listed(*, token: str | None) -> PageListing:
    return PageListing(files=(), folders=(), folders_by_shortcut=(), dangling=(), next_page_token=token)


async def test_the_next_page_is_requested_at_once_and_only_once() -> None:
    source, prefetcher = BlockingSource(), PagePrefetcher()
    prefetcher.prefetch_next(FIRST, listed(token="2"), source=source)
    await asyncio.sleep(0)
    assert source.page_tokens == ["2"]

    second = replace(FIRST, page_token="2")
    listing = prefetcher.take(second)
    assert listing is not None
    source.may_return.set()
    assert (await listing).next_page_token is None
    assert prefetcher.take(second) is None
    assert source.page_tokens == ["2"]


async def resolve(folder: Folder) -> Folder:
    return folder


def root_message(folder: Folder) -> Crawl:
    return replace(FIRST, is_root=True, folder=folder)


async def test_a_root_is_listed_while_it_is_looked_up() -> None:
    source, prefetcher, may_resolve = BlockingSource(), PagePrefetcher(), asyncio.Event()
    source.may_return.set()
    folder = Folder(id="f", name="Photos")

    async def resolve_later() -> Folder:
        await may_resolve.wait()
        return folder

    prefetcher.prefetch_root(FolderRef(source="memory", folder_id="f"), source=source, resolving=resolve_later())
    await asyncio.sleep(0.01)
    assert source.page_tokens == [None]

    listing = prefetcher.take(root_message(folder))
    assert listing is not None
    assert not listing.done()
    may_resolve.set()
    assert (await listing).root_name == "Photos"
    assert source.page_tokens == [None]
    assert prefetcher.take(root_message(folder)) is None


async def test_a_prefetched_shortcut_is_not_used_for_its_target() -> None:
    source, prefetcher = BlockingSource(), PagePrefetcher()
    source.may_return.set()
    target = Folder(id="target", name="Photos")
    prefetcher.prefetch_root(FolderRef(source="memory", folder_id="shortcut"), source=source, resolving=resolve(target))
    await asyncio.sleep(0)
    assert prefetcher.take(root_message(target)) is None
    await prefetcher.close()


async def test_a_root_with_another_resource_key_is_listed_again_with_it() -> None:
    source = KeyRecordingSource()
    found = Folder(id="f", name="Photos", resource_key="own-key")
    listing = await list_root(FolderRef(source="memory", folder_id="f"), source=source, resolving=resolve(found))
    assert source.resource_keys == [None, "own-key"]
    assert listing.root_name == "Photos"


async def test_the_error_of_the_look_up_comes_before_that_of_the_listing() -> None:
    source = BlockingSource(error=TransientError(Reason.SOURCE_UNAVAILABLE, "unreachable"))
    source.may_return.set()

    async def fail() -> Folder:
        raise NotFoundError(Reason.FOLDER_NOT_FOUND, "private")

    with pytest.raises(NotFoundError, match="private"):
        await list_root(FolderRef(source="memory", folder_id="f"), source=source, resolving=fail())


async def test_nothing_is_prefetched_after_the_last_page() -> None:
    source, prefetcher = BlockingSource(), PagePrefetcher()
    prefetcher.prefetch_next(FIRST, listed(token=None), source=source)
    await asyncio.sleep(0)
    assert source.page_tokens == []


async def test_an_error_is_raised_when_the_page_is_awaited() -> None:
    source, prefetcher = (
        BlockingSource(error=TransientError(Reason.SOURCE_UNAVAILABLE, "unreachable")),
        PagePrefetcher(),
    )
    source.may_return.set()
    prefetcher.prefetch_next(FIRST, listed(token="2"), source=source)
    listing = prefetcher.take(replace(FIRST, page_token="2"))
    assert listing is not None
    with pytest.raises(TransientError, match="unreachable"):
        await listing


async def test_an_expired_page_is_not_returned() -> None:
    now = [0.0]
    source, prefetcher = BlockingSource(), PagePrefetcher(clock=lambda: now[0])
    source.may_return.set()
    prefetcher.prefetch_next(FIRST, listed(token="2"), source=source)
    now[0] = EXPIRES_AFTER_S + 1
    assert prefetcher.take(replace(FIRST, page_token="2")) is None


async def test_pages_that_are_never_taken_are_few_and_are_cancelled_on_close() -> None:
    source, prefetcher = BlockingSource(), PagePrefetcher()
    for number in range(PAGES_MAX + 2):
        prefetcher.prefetch_next(replace(FIRST, job_folder_id=number), listed(token="2"), source=source)
    await asyncio.sleep(0)
    this_task = asyncio.current_task()
    assert len(asyncio.all_tasks() - {this_task}) == PAGES_MAX
    await prefetcher.close()
    assert asyncio.all_tasks() == {this_task}
