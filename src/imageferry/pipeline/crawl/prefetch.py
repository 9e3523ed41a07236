"""Pages that will be wanted soon, listed meanwhile: of a folder that is being looked up, or after one being written."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine

from msgspec.structs import replace

from imageferry.model import Crawl, Folder, FolderRef
from imageferry.pipeline.crawl.page_listing import Listing, list_page, list_root, root_of
from imageferry.sources.base import Source

# So many pages wait for whoever comes for them, and so long: a job may have been paused, or a process may be busy.
PAGES_MAX = 4
FRESH_S = 60.0

# A root's first page, which no job asked for yet; or any other: its job, its folder's row in the ledger, its token.
_Page = FolderRef | tuple[str, int, str | None]


class Lookahead:
    """Pages that are listed before the ledger gives them out, in the process that will most likely be given them.

    A page of which nobody comes for costs one call to the source, and is forgotten.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: dict[_Page, tuple[asyncio.Task[Listing], float]] = {}

    def begin_root(self, locator: FolderRef, *, source: Source, root: Awaitable[Folder]) -> None:
        """List the first page of a folder which is being looked up, for whoever imports it."""
        self._begin(locator, list_root(locator, source=source, root=root))

    def begin(self, message: Crawl, listing: Listing, *, source: Source) -> None:
        """List the page that follows, if there is one."""
        if listing.next_page_token is None:
            return
        following = replace(message, page_token=listing.next_page_token)
        self._begin(_page(following), list_page(following, source=source))

    def take(self, message: Crawl) -> asyncio.Task[Listing] | None:
        """The listing of a page, under way or done; None when nobody began it, or long ago."""
        page = _page(message)
        if page not in self._pages:
            return None
        task, begun_s = self._pages[page]
        if self._clock() - begun_s > FRESH_S:
            self._forget(page)
            return None
        del self._pages[page]
        return task

    async def close(self) -> None:
        """List nothing any more."""
        tasks = [task for task, _ in self._pages.values()]
        for page in [*self._pages]:
            self._forget(page)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, page: _Page, listing: Coroutine[None, None, Listing]) -> None:
        while len(self._pages) >= PAGES_MAX:
            self._forget(next(iter(self._pages)))
        self._pages[page] = (asyncio.create_task(listing), self._clock())

    def _forget(self, page: _Page) -> None:
        task, _ = self._pages.pop(page)
        task.cancel()
        task.add_done_callback(_nobody_minds)


def _page(message: Crawl) -> _Page:
    return root_of(message) or (message.job_id, message.crawl_id, message.page_token)


def _nobody_minds(task: asyncio.Task[Listing]) -> None:
    if not task.cancelled():
        task.exception()
