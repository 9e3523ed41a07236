"""The plan of an import: what it would do, before any byte moves and without a trace in the catalog."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.images import records
from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.model import Crawl, File, Folder, ItemState, JobOptions, ListedFile
from imageferry.pipeline.crawl.page_listing import Listing, list_page, subfolders
from imageferry.pipeline.crawl.selection import check_options, dangling, judge
from imageferry.sources.base import Source

FOLDERS_AT_ONCE = 8
SAMPLES_MAX = 8
INCOMPLETE_TRIES_MAX = 5


class Plan(Struct, kw_only=True):
    """What an import would do, as far as the folder is listed."""

    folder: Folder
    folders: int = 0  # listed to their end
    files: int = 0
    to_store: int = 0  # new and changed files
    changed: int = 0  # of these: an older version is stored
    unchanged: int = 0
    bytes_to_store: int = 0  # as far as the listing tells sizes
    types: Counter[str] = field(default_factory=Counter)  # files to store by MIME type
    skipped: Counter[Reason] = field(default_factory=Counter)  # unchanged ones apart
    failing: Counter[Reason] = field(default_factory=Counter)  # files that cannot be had, as listed
    samples: list[File] = field(default_factory=list)  # files to store
    complete: bool = True  # False: the time was up before the folder was listed to its end

    def add(self, find: ListedFile) -> None:
        """Count a file."""
        self.files += 1
        if find.state is ItemState.PENDING:
            self.to_store += 1
            self.changed += find.replaces
            self.bytes_to_store += find.file.size_bytes or 0
            self.types[find.file.mime_type] += 1
            if len(self.samples) < SAMPLES_MAX:
                self.samples.append(find.file)
        elif find.reason is Reason.UNCHANGED:
            self.unchanged += 1
        elif find.reason is not None:
            (self.skipped if find.state is ItemState.SKIPPED else self.failing)[find.reason] += 1


async def plan(
    folder: Folder,
    *,
    source: Source,
    catalog: Catalog,
    store_url: str,
    options: JobOptions,
    progress: Callable[[Plan], None] = lambda _: None,
    limit_s: float | None = None,
) -> Plan:
    """List a folder to its end, or for so long, and judge every file; `progress` is told after each page.

    Raises UsageError when the options cannot be used.
    """
    check_options(options)
    survey = _Survey(Plan(folder=folder), source=source, catalog=catalog, store_url=store_url, options=options)
    root = Crawl(job_id="", source=source.name, crawl_id=0, folder=folder, path="")
    waiting: list[Crawl] = [root]
    listing: set[asyncio.Task[list[Crawl]]] = set()
    ends_at_s = None if limit_s is None else time.monotonic() + limit_s
    try:
        while waiting or listing:
            while waiting and len(listing) < FOLDERS_AT_ONCE:
                listing.add(asyncio.create_task(survey.page(waiting.pop())))
            left_s = None if ends_at_s is None else max(ends_at_s - time.monotonic(), 0)
            done, listing = await asyncio.wait(listing, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                survey.plan.complete = False
                break
            for page in done:
                waiting += page.result()
            progress(survey.plan)
    finally:
        for page in listing:
            page.cancel()
    return survey.plan


class _Survey:
    def __init__(self, plan: Plan, *, source: Source, catalog: Catalog, store_url: str, options: JobOptions) -> None:
        self.plan = plan
        self._source = source
        self._catalog = catalog
        self._store_url = store_url
        self._options = options
        self._folder_ids = {plan.folder.id}
        self._file_hashes: set[int] = set()  # of ids: a million of them stay small

    async def page(self, crawl: Crawl) -> list[Crawl]:
        """List a page; the pages to list then."""
        try:
            listing = await self._list(crawl)
        except PermanentError as exc:
            self.plan.files += 1
            self.plan.failing[exc.reason] += 1
            return []
        await self._judge(crawl, listing)
        if listing.next_page_token is not None:
            following = [_page(crawl.source, crawl.folder, crawl.path, listing.next_page_token)]
        else:
            self.plan.folders += 1
            following = []
        if self._options.recursive:
            for sub in subfolders(listing, path=crawl.path):
                if sub.folder.id not in self._folder_ids:
                    self._folder_ids.add(sub.folder.id)
                    following.append(_page(crawl.source, sub.folder, sub.path))
        return following

    async def _list(self, crawl: Crawl) -> Listing:
        for _ in range(INCOMPLETE_TRIES_MAX):
            try:
                return await list_page(crawl, source=self._source)
            except TransientError as exc:
                if exc.reason is not Reason.LISTING_INCOMPLETE:
                    raise
        message = f"Drive never listed the folder {crawl.folder.name} whole: try again later."
        raise PermanentError(Reason.LISTING_INCOMPLETE, message)

    async def _judge(self, crawl: Crawl, listing: Listing) -> None:
        file_ids = [file.id for file in listing.files]
        held = await self._catalog.read(
            lambda tx: records.held(tx, source=self._source.name, store=self._store_url, file_ids=file_ids)
        )
        for file in listing.files:
            if self._is_new(file.id):
                find = judge(file, folder_id=crawl.folder.id, path=crawl.path, options=self._options, held=held)
                self.plan.add(find)
        for lost, why in listing.dangling:
            if self._is_new(lost.id):
                self.plan.add(dangling(lost.id, lost.name, folder_id=crawl.folder.id, path=crawl.path, detail=why))

    def _is_new(self, file_id: str) -> bool:
        known = hash(file_id) in self._file_hashes
        self._file_hashes.add(hash(file_id))
        return not known


def _page(source: str, folder: Folder, path: str, page_token: str | None = None) -> Crawl:
    return Crawl(job_id="", source=source, crawl_id=0, folder=folder, path=path, page_token=page_token)
