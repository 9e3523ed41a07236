"""Lists pages early: a root's first page while the root is looked up, the next page while one is written."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine

from imageferry.model import Crawl, Folder, FolderRef
from imageferry.pipeline.crawl.page_listing import PageListing, list_page, list_root, root_ref
from imageferry.sources.base import Source

# A page may never be taken: its job was paused, or another process got the message.
PAGES_MAX = 4
EXPIRES_AFTER_S = 60.0

# A root's first page, which has no job yet; or a page's job, its row in `job_folders` and its token.
_PageKey = FolderRef | tuple[str, int, str | None]


class PagePrefetcher:
    """Lists pages before the ledger dispatches them, in the process that will most likely receive them.

    A page that is never taken costs one call to the source.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: dict[_PageKey, tuple[asyncio.Task[PageListing], float]] = {}

    def prefetch_root(self, folder_ref: FolderRef, *, source: Source, resolving: Awaitable[Folder]) -> None:
        """Start to list the first page of a folder that is being looked up."""
        self._start(folder_ref, list_root(folder_ref, source=source, resolving=resolving))

    def prefetch_next(self, message: Crawl, listing: PageListing, *, source: Source) -> None:
        """Start to list the page after this one, if there is one."""
        if listing.next_page_token is None or message.comes_back_to(listing.next_page_token):
            return
        next_message = message.next_page(listing.next_page_token)
        self._start(_page_key(next_message), list_page(next_message, source=source))

    def take(self, message: Crawl) -> asyncio.Task[PageListing] | None:
        """Remove and return the task that lists a page, or None if it wasn't prefetched or has expired."""
        key = _page_key(message)
        if key not in self._pages:
            return None
        task, started_s = self._pages[key]
        if self._clock() - started_s > EXPIRES_AFTER_S:
            self._drop(key)
            return None
        del self._pages[key]
        return task

    async def close(self) -> None:
        """Cancel all listings."""
        tasks = [task for task, _ in self._pages.values()]
        for key in [*self._pages]:
            self._drop(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: _PageKey, listing: Coroutine[None, None, PageListing]) -> None:
        while len(self._pages) >= PAGES_MAX:
            self._drop(next(iter(self._pages)))
        self._pages[key] = (asyncio.create_task(listing), self._clock())

    def _drop(self, key: _PageKey) -> None:
        task, _ = self._pages.pop(key)
        task.cancel()
        task.add_done_callback(_ignore_result)


def _page_key(message: Crawl) -> _PageKey:
    return root_ref(message) or (message.job_id, message.job_folder_id, message.page_token)


def _ignore_result(task: asyncio.Task[PageListing]) -> None:
    # asyncio would log an exception that is never retrieved.
    if not task.cancelled():
        task.exception()
