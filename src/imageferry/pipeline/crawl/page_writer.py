"""Writes listed pages to the catalog."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from imageferry.catalog.database.connection import Catalog, Tx
from imageferry.catalog.images import records
from imageferry.catalog.jobs import jobs
from imageferry.catalog.ledger import dispatch, folders
from imageferry.catalog.ledger.lease_policy import LeasePolicy
from imageferry.clock import now_ms
from imageferry.errors import RefusedRowError
from imageferry.model import Crawl, Job, Transfer
from imageferry.pipeline.crawl.page_listing import PageListing, subfolders
from imageferry.pipeline.crawl.selection import classify_file, classify_others
from imageferry.pipeline.write_coalescer import WriteCoalescer

# How long a page waits for others that are being listed: of many small pages in one transaction, each costs a third of
# what it costs alone.
WAIT_FOR_MORE_S = 0.01

_Page = tuple[Crawl, PageListing]


class PageWriter:
    """Writes pages, coalescing those of a job that arrive at about the same time."""

    def __init__(self, *, catalog: Catalog, lease_policy: LeasePolicy, folds_case: bool = False) -> None:
        self._catalog = catalog
        self._lease_policy = lease_policy
        self._folds_case = folds_case
        self._expected_pages = 0
        self._pages: WriteCoalescer[_Page] = WriteCoalescer(self._write, wait_for_more=self._wait_for_more)

    @contextmanager
    def expect_page(self) -> Iterator[None]:
        """Announce a page while the context lasts: writes wait a moment for it."""
        self._expected_pages += 1
        try:
            yield
        finally:
            self._expected_pages -= 1

    async def write(self, message: Crawl, listing: PageListing) -> Sequence[Crawl | Transfer]:
        """Write a page. Return its share of the messages that the job may send now."""
        return await self._pages.add((message, listing), job_id=message.job_id, files=len(listing.files))

    async def _wait_for_more(self) -> None:
        if self._expected_pages:
            await asyncio.sleep(WAIT_FOR_MORE_S)

    async def _write(self, pages: Sequence[_Page]) -> Sequence[Crawl | Transfer]:
        save = partial(_save_pages, pages=pages, policy=self._lease_policy, folds_case=self._folds_case)
        try:
            return await self._catalog.write(save)
        except RefusedRowError:
            return await self._catalog.write(partial(save, sorts_out_refused=True))


def _save_pages(
    tx: Tx, *, pages: Sequence[_Page], policy: LeasePolicy, folds_case: bool, sorts_out_refused: bool = False
) -> list[Crawl | Transfer]:
    job = jobs.get(tx, pages[0][0].job_id)
    if job is None:
        return []
    file_ids = [file.id for _, listing in pages for file in listing.files]
    stored_versions = records.stored_versions(tx, source=job.source, store=job.store, file_ids=file_ids)
    classified = [_classify(*page, job=job, stored_versions=stored_versions, folds_case=folds_case) for page in pages]
    folders.save_pages(tx, classified, policy=policy, sorts_out_refused=sorts_out_refused)
    return dispatch.dispatch(tx, job.id, policy=policy, now_ms=now_ms())


def _classify(
    message: Crawl,
    listing: PageListing,
    *,
    job: Job,
    stored_versions: Mapping[str, records.StoredVersion],
    folds_case: bool,
) -> folders.ListedPage:
    folder = {"folder_id": message.folder.id, "path": message.path}
    files = [
        classify_file(file, options=job.options, stored_versions=stored_versions, folds_case=folds_case, **folder)
        for file in listing.files
    ]
    files += classify_others(listing, **folder)
    return folders.ListedPage(
        crawl=message,
        files=files,
        subfolders=subfolders(listing, path=message.path) if job.options.recursive else (),
        next_page_token=listing.next_page_token,
        folder_name=listing.root_name,
    )
