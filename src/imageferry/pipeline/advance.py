"""The way of listed pages into the catalog: those that come while others are written go there together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from imageferry.catalog import crawls, images, jobs, ledger
from imageferry.catalog.session import Catalog, Tx
from imageferry.catalog.terms import Terms
from imageferry.clock import now_ms
from imageferry.errors import TransientError
from imageferry.model import Crawl, Job, Transfer
from imageferry.pipeline.listing import Listing, subfolders
from imageferry.pipeline.selection import dangling, judge

# A transaction is held no longer than it takes to write so many files.
FILES_MAX = 2_000
# A page waits so long for others to come: many small ones cost a third of what each costs by itself.
LINGER_S = 0.01


class Advance:
    """Writes pages, one transaction at a time in this process, each with all pages of a job that wait by then.

    How many wait is bounded by what the ledger gives out.
    """

    def __init__(self, *, catalog: Catalog, terms: Terms, folds_case: bool = False) -> None:
        self._catalog = catalog
        self._terms = terms
        self._folds_case = folds_case
        self._turn = asyncio.Lock()
        self._waiting: list[_Listed] = []

    async def write(self, message: Crawl, listing: Listing) -> Sequence[Crawl | Transfer]:
        """Write a page; what its job may begin now, unless it was written along with another one, which told it."""
        listed = _Listed(message=message, listing=listing)
        self._waiting.append(listed)
        try:
            async with self._turn:
                if listed.error is not None:
                    raise listed.error
                return () if listed.written else await self._write_with_others(listed)
        finally:
            self._waiting.remove(listed)

    async def _write_with_others(self, listed: "_Listed") -> Sequence[Crawl | Transfer]:
        await asyncio.sleep(LINGER_S)
        together = self._together(listed)
        try:
            following = await self._write(together)
        except TransientError as exc:
            for other in together:
                other.error = exc
            raise
        except Exception:
            if len(together) == 1:
                raise
            # A page that we cannot cope with must not take others along.
            for other in together:
                other.alone = True
            return await self._write([listed])
        for other in together:
            other.written = True
        return following

    def _together(self, listed: "_Listed") -> list["_Listed"]:
        """A page and those of its job that wait with it, as far as they fit a transaction."""
        together, files = [listed], len(listed.listing.files)
        for other in self._waiting:
            if other is listed or other.written or listed.alone or other.alone:
                continue
            files += len(other.listing.files)
            if other.message.job_id == listed.message.job_id and files <= FILES_MAX:
                together.append(other)
        return together

    async def _write(self, together: Sequence["_Listed"]) -> Sequence[Crawl | Transfer]:
        change = partial(_advance, together=together, terms=self._terms, folds_case=self._folds_case)
        return await self._catalog.write(change)


@dataclass(slots=True, kw_only=True, eq=False)
class _Listed:
    """A page that waits for its turn, and what became of it."""

    message: Crawl
    listing: Listing
    written: bool = False
    alone: bool = False  # it is not to be written along with others any more
    error: TransientError | None = None  # of whoever tried to write it along


def _advance(tx: Tx, *, together: Sequence[_Listed], terms: Terms, folds_case: bool) -> list[Crawl | Transfer]:
    job = jobs.get(tx, together[0].message.job_id)
    if job is None:
        return []
    file_ids = [file.id for listed in together for file in listed.listing.files]
    held = images.held(tx, source=job.source, store=job.store, file_ids=file_ids)
    pages = [_judged(listed, job=job, held=held, folds_case=folds_case) for listed in together]
    crawls.advance(tx, pages, terms=terms)
    return ledger.dispatch(tx, job.id, terms=terms, now_ms=now_ms())


def _judged(listed: _Listed, *, job: Job, held: Mapping[str, images.Held], folds_case: bool) -> crawls.ListedPage:
    message, listing = listed.message, listed.listing
    where = {"folder_id": message.folder.id, "path": message.path}
    finds = [judge(file, options=job.options, held=held, folds_case=folds_case, **where) for file in listing.files]
    finds += [dangling(lost.id, lost.name, detail=why, **where) for lost, why in listing.dangling]
    return crawls.ListedPage(
        crawl=message,
        finds=finds,
        subfolders=subfolders(listing, path=message.path) if job.options.recursive else (),
        next_page_token=listing.next_page_token,
        folder_name=listing.root_name,
    )
