"""The way of listed pages into the catalog."""

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
from imageferry.model import Crawl, Job, Transfer
from imageferry.pipeline.crawl.page_listing import Listing, subfolders
from imageferry.pipeline.crawl.selection import dangling, judge
from imageferry.pipeline.write_coalescer import Together

# A page waits so long for others that are on their way: many small ones cost a third of what each costs by itself.
LINGER_S = 0.01

_Listed = tuple[Crawl, Listing]


class Advance:
    """Writes pages, those of a job that come at about the same time together."""

    def __init__(self, *, catalog: Catalog, terms: LeasePolicy, folds_case: bool = False) -> None:
        self._catalog = catalog
        self._terms = terms
        self._folds_case = folds_case
        self._on_their_way = 0
        self._pages: Together[_Listed] = Together(self._write, linger=self._linger)

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """A page is on its way while the context lasts."""
        self._on_their_way += 1
        try:
            yield
        finally:
            self._on_their_way -= 1

    async def write(self, message: Crawl, listing: Listing) -> Sequence[Crawl | Transfer]:
        """Write a page; its part of what its job may begin now."""
        return await self._pages.add((message, listing), job_id=message.job_id, files=len(listing.files))

    async def _linger(self) -> None:
        if self._on_their_way:
            await asyncio.sleep(LINGER_S)

    async def _write(self, together: Sequence[_Listed]) -> Sequence[Crawl | Transfer]:
        change = partial(_advance, together=together, terms=self._terms, folds_case=self._folds_case)
        return await self._catalog.write(change)


def _advance(tx: Tx, *, together: Sequence[_Listed], terms: LeasePolicy, folds_case: bool) -> list[Crawl | Transfer]:
    job = jobs.get(tx, together[0][0].job_id)
    if job is None:
        return []
    file_ids = [file.id for _, listing in together for file in listing.files]
    held = records.held(tx, source=job.source, store=job.store, file_ids=file_ids)
    pages = [_judged(*listed, job=job, held=held, folds_case=folds_case) for listed in together]
    folders.advance(tx, pages, terms=terms)
    return dispatch.dispatch(tx, job.id, terms=terms, now_ms=now_ms())


def _judged(
    message: Crawl, listing: Listing, *, job: Job, held: Mapping[str, records.Held], folds_case: bool
) -> folders.ListedPage:
    where = {"folder_id": message.folder.id, "path": message.path}
    finds = [judge(file, options=job.options, held=held, folds_case=folds_case, **where) for file in listing.files]
    finds += [dangling(lost.id, lost.name, detail=why, **where) for lost, why in listing.dangling]
    return folders.ListedPage(
        crawl=message,
        finds=finds,
        subfolders=subfolders(listing, path=message.path) if job.options.recursive else (),
        next_page_token=listing.next_page_token,
        folder_name=listing.root_name,
    )
