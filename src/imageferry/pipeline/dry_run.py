"""A dry run: what an import would do, without a download or a change to the catalog."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.images import records
from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.model import Crawl, File, Folder, ItemState, JobOptions, ListedFile
from imageferry.pipeline.crawl.page_listing import PageListing, list_page, subfolders
from imageferry.pipeline.crawl.selection import check_options, classify_file, classify_others
from imageferry.sources.base import Source

FOLDERS_CONCURRENT = 8
SAMPLES_MAX = 8
INCOMPLETE_TRIES_MAX = 5


class Plan(Struct, kw_only=True):
    """What an import would do, as far as the folder is listed."""

    folder: Folder
    folders: int = 0  # listed completely
    files: int = 0
    to_store: int = 0  # new and changed files
    changed: int = 0  # part of `to_store`: an older version is stored
    unchanged: int = 0
    bytes_to_store: int = 0  # of the files whose size is listed
    types: Counter[str] = field(default_factory=Counter)  # files to store by MIME type
    skipped: Counter[Reason] = field(default_factory=Counter)  # without the unchanged files
    failing: Counter[Reason] = field(default_factory=Counter)  # known from the listing
    samples: list[File] = field(default_factory=list)  # some of the files to store
    is_complete: bool = True  # False: the time limit ended the listing

    def add(self, listed: ListedFile) -> None:
        """Count a file."""
        self.files += 1
        if listed.state is ItemState.PENDING:
            self.to_store += 1
            self.changed += listed.overwrites
            self.bytes_to_store += listed.file.size_bytes or 0
            self.types[listed.file.mime_type] += 1
            if len(self.samples) < SAMPLES_MAX:
                self.samples.append(listed.file)
        elif listed.reason is Reason.UNCHANGED:
            self.unchanged += 1
        elif listed.reason is not None:
            (self.skipped if listed.state is ItemState.SKIPPED else self.failing)[listed.reason] += 1


async def plan_import(
    folder: Folder,
    *,
    source: Source,
    catalog: Catalog,
    store_url: str,
    options: JobOptions,
    progress: Callable[[Plan], None] = lambda _: None,
    limit_s: float | None = None,
) -> Plan:
    """List a folder completely, or for at most `limit_s`, and classify each file. Call `progress` after each page.

    Raises UsageError for unusable options, and what the source raises.
    """
    await asyncio.to_thread(check_options, options)
    run = _DryRun(Plan(folder=folder), source=source, catalog=catalog, store_url=store_url, options=options)
    pages: list[Crawl] = [_page(source.name, folder, "")]
    listings: set[asyncio.Task[list[Crawl]]] = set()
    ends_at_s = None if limit_s is None else time.monotonic() + limit_s
    try:
        while pages or listings:
            while pages and len(listings) < FOLDERS_CONCURRENT:
                listings.add(asyncio.create_task(run.list(pages.pop())))
            timeout_s = None if ends_at_s is None else max(ends_at_s - time.monotonic(), 0)
            done, listings = await asyncio.wait(listings, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                run.plan.is_complete = False
                break
            for listing in done:
                pages += listing.result()
            progress(run.plan)
    finally:
        for listing in listings:
            listing.cancel()
    return run.plan


class _DryRun:
    def __init__(self, plan: Plan, *, source: Source, catalog: Catalog, store_url: str, options: JobOptions) -> None:
        self.plan = plan
        self._source = source
        self._catalog = catalog
        self._store_url = store_url
        self._options = options
        self._folder_ids = {plan.folder.id}
        self._file_hashes: set[int] = set()  # of file ids: hashes of a million take little memory

    async def list(self, page: Crawl) -> list[Crawl]:
        """List a page and return the pages to list next."""
        try:
            listing = await self._list_complete(page)
        except PermanentError as exc:
            self.plan.files += 1
            self.plan.failing[exc.reason] += 1
            return []
        await self._classify(page, listing)
        next_pages = []
        if listing.next_page_token is None:
            self.plan.folders += 1
        elif page.comes_back_to(listing.next_page_token):
            self.plan.files += 1
            self.plan.failing[Reason.LISTING_INCOMPLETE] += 1
        else:
            next_pages.append(page.next_page(listing.next_page_token))
        if self._options.recursive:
            for sub in subfolders(listing, path=page.path):
                if sub.folder.id not in self._folder_ids:
                    self._folder_ids.add(sub.folder.id)
                    next_pages.append(_page(page.source, sub.folder, sub.path))
        return next_pages

    async def _list_complete(self, page: Crawl) -> PageListing:
        for _ in range(INCOMPLETE_TRIES_MAX):
            try:
                return await list_page(page, source=self._source)
            except TransientError as exc:
                if exc.reason is not Reason.LISTING_INCOMPLETE:
                    raise
        message = f"Google Drive never listed the folder {page.folder.name} completely. Try again later."
        raise PermanentError(Reason.LISTING_INCOMPLETE, message)

    async def _classify(self, page: Crawl, listing: PageListing) -> None:
        folder_id, path = page.folder.id, page.path
        files = [file for file in listing.files if self._is_new(file.id)]
        file_ids = [file.id for file in files]

        def classify(tx: Tx) -> list[ListedFile]:  # not on the event loop: globs may take a while
            stored = records.stored_versions(tx, source=self._source.name, store=self._store_url, file_ids=file_ids)
            return [
                classify_file(file, folder_id=folder_id, path=path, options=self._options, stored_versions=stored)
                for file in files
            ]

        for listed in await self._catalog.read(classify):
            self.plan.add(listed)
        for listed in classify_others(listing, folder_id=folder_id, path=path):
            if self._is_new(listed.file.id):
                self.plan.add(listed)

    def _is_new(self, file_id: str) -> bool:
        is_known = hash(file_id) in self._file_hashes
        self._file_hashes.add(hash(file_id))
        return not is_known


def _page(source: str, folder: Folder, path: str) -> Crawl:
    return Crawl(job_id="", source=source, job_folder_id=0, folder=folder, path=path)
