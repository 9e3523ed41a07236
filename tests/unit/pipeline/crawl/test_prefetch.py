"""Pages listed while those before them are written."""

import asyncio
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from imageferry.errors import NotFoundError, Reason, TransientError
from imageferry.model import Crawl, Folder, FolderRef, Page
from imageferry.pipeline.crawl.page_listing import Listing, list_root
from imageferry.pipeline.crawl.prefetch import FRESH_S, PAGES_MAX, Lookahead
from imageferry.sources.memory import MemorySource

FIRST = Crawl(job_id="j", source="memory", crawl_id=1, folder=Folder(id="f", name="f"), path="")


@dataclass
class Paged(MemorySource):
    """Tells which pages it was asked for, and answers when it may."""

    asked: list[str | None] = field(default_factory=list)
    may: asyncio.Event = field(default_factory=asyncio.Event)
    error: TransientError | None = None

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        del folder
        self.asked.append(page_token)
        await self.may.wait()
        if self.error is not None:
            raise self.error
        return Page(files=(), folders=(), shortcuts=(), next_page_token=None)


@dataclass
class Keyed(MemorySource):
    """Tells with which resource keys it was asked."""

    keys: list[str | None] = field(default_factory=list)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        del page_token
        self.keys.append(folder.resource_key)
        return Page(files=(), folders=(), shortcuts=(), next_page_token=None)


def listed(*, token: str | None) -> Listing:
    return Listing(files=(), folders=(), folders_by_shortcut=(), dangling=(), next_page_token=token)


async def test_the_next_page_is_asked_for_at_once_and_once() -> None:
    source, lookahead = Paged(), Lookahead()
    lookahead.begin(FIRST, listed(token="2"), source=source)
    await asyncio.sleep(0)
    assert source.asked == ["2"]

    second = replace(FIRST, page_token="2")
    listing = lookahead.take(second)
    assert listing is not None
    source.may.set()
    assert (await listing).next_page_token is None
    assert lookahead.take(second) is None
    assert source.asked == ["2"]


async def looked_up(folder: Folder) -> Folder:
    return folder


def root(folder: Folder) -> Crawl:
    return replace(FIRST, root=True, folder=folder)


async def test_a_root_is_listed_while_it_is_looked_up() -> None:
    source, lookahead, may = Paged(), Lookahead(), asyncio.Event()
    source.may.set()
    folder = Folder(id="f", name="Photos")

    async def looking() -> Folder:
        await may.wait()
        return folder

    lookahead.begin_root(FolderRef(source="memory", folder_id="f"), source=source, root=looking())
    await asyncio.sleep(0.01)
    assert source.asked == [None]

    listing = lookahead.take(root(folder))
    assert listing is not None
    assert not listing.done()
    may.set()
    assert (await listing).root_name == "Photos"
    assert source.asked == [None]
    assert lookahead.take(root(folder)) is None


async def test_a_root_that_turns_out_to_be_another_folder_is_not_taken_for_it() -> None:
    source, lookahead = Paged(), Lookahead()
    source.may.set()
    target = Folder(id="target", name="Photos")
    lookahead.begin_root(FolderRef(source="memory", folder_id="shortcut"), source=source, root=looked_up(target))
    await asyncio.sleep(0)
    assert lookahead.take(root(target)) is None
    await lookahead.close()


async def test_a_root_that_has_another_resource_key_is_listed_with_it() -> None:
    source = Keyed()
    found = Folder(id="f", name="Photos", resource_key="its-own")
    listing = await list_root(FolderRef(source="memory", folder_id="f"), source=source, root=looked_up(found))
    assert source.keys == [None, "its-own"]
    assert listing.root_name == "Photos"


async def test_a_root_that_cannot_be_had_is_told_of_before_its_page() -> None:
    source = Paged(error=TransientError(Reason.SOURCE_UNAVAILABLE, "away"))
    source.may.set()

    async def nowhere() -> Folder:
        raise NotFoundError(Reason.FOLDER_NOT_FOUND, "private")

    with pytest.raises(NotFoundError, match="private"):
        await list_root(FolderRef(source="memory", folder_id="f"), source=source, root=nowhere())


async def test_a_last_page_has_none_after_it() -> None:
    source, lookahead = Paged(), Lookahead()
    lookahead.begin(FIRST, listed(token=None), source=source)
    await asyncio.sleep(0)
    assert source.asked == []


async def test_what_goes_wrong_is_raised_where_the_page_is_wanted() -> None:
    source, lookahead = Paged(error=TransientError(Reason.SOURCE_UNAVAILABLE, "away")), Lookahead()
    source.may.set()
    lookahead.begin(FIRST, listed(token="2"), source=source)
    listing = lookahead.take(replace(FIRST, page_token="2"))
    assert listing is not None
    with pytest.raises(TransientError, match="away"):
        await listing


async def test_a_page_of_long_ago_is_listed_anew() -> None:
    now = [0.0]
    source, lookahead = Paged(), Lookahead(clock=lambda: now[0])
    source.may.set()
    lookahead.begin(FIRST, listed(token="2"), source=source)
    now[0] = FRESH_S + 1
    assert lookahead.take(replace(FIRST, page_token="2")) is None


async def test_pages_that_nobody_comes_for_are_few_and_end_with_the_process() -> None:
    source, lookahead = Paged(), Lookahead()
    for number in range(PAGES_MAX + 2):
        lookahead.begin(replace(FIRST, crawl_id=number), listed(token="2"), source=source)
    await asyncio.sleep(0)
    ours = asyncio.current_task()
    assert len(asyncio.all_tasks() - {ours}) == PAGES_MAX
    await lookahead.close()
    assert asyncio.all_tasks() == {ours}
