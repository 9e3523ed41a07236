"""The crawl stage: one page of one folder, into the catalog."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from imageferry.catalog import crawls, images, jobs, ledger
from imageferry.catalog.session import Catalog, Tx
from imageferry.catalog.terms import Terms
from imageferry.clock import now_ms
from imageferry.errors import ImageferryError, NotFoundError, PageTokenError, Reason, TransientError
from imageferry.model import Crawl, File, Folder, Locator, Page, Shortcut, SubFolder, Transfer
from imageferry.pipeline.selection import dangling, judge
from imageferry.sources.base import Source

# A shortcut's target is looked up one by one: so many at once.
LOOKUPS_AT_ONCE = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page, with its shortcuts followed."""

    files: Sequence[File]
    folders: Sequence[Folder]
    folders_by_shortcut: Sequence[Folder]
    dangling: Sequence[tuple[Shortcut, str]]  # and why
    next_page_token: str | None
    root_name: str | None = None  # of the root, when this is its first page


async def crawl(
    message: Crawl, *, sources: Mapping[str, Source], catalog: Catalog, terms: Terms, folds_case: bool = False
) -> AsyncIterator[Crawl | Transfer]:
    """List a page and write what it holds; what follows is all that the job may begin now."""
    try:
        listing = await _listed(message, source=sources[message.source], catalog=catalog, terms=terms)
    except ImageferryError as exc:
        log.info(
            "page.stumbled",
            job_id=message.job_id,
            folder_id=message.folder.id,
            reason=exc.reason,
            detail=exc.message,
        )
        change = partial(_stumble, message=message, error=exc, terms=terms)
    else:
        change = partial(_advance, message=message, listing=listing, terms=terms, folds_case=folds_case)
    for following in await catalog.write(change):
        yield following


async def _listed(message: Crawl, *, source: Source, catalog: Catalog, terms: Terms) -> Listing:
    """A page, with signs of life for as long as the source takes."""
    listing = asyncio.create_task(list_page(message, source=source))
    try:
        while not (await asyncio.wait([listing], timeout=terms.sign_of_life_s))[0]:
            await catalog.write(lambda tx: crawls.prolong(tx, message, terms=terms, now_ms=now_ms()))
        return listing.result()
    finally:
        listing.cancel()


async def list_page(message: Crawl, *, source: Source) -> Listing:
    """A page and what its shortcuts point at.

    Raises TransientError(LISTING_INCOMPLETE) when the source says that the page lacks files, PageTokenError
    when its tokens lead nowhere; and what the source raises.
    """
    folder, root_name = message.folder, None
    if message.root and message.page_token is None:
        locator = Locator(source=message.source, folder_id=folder.id, resource_key=folder.resource_key)
        folder = await source.resolve(locator)
        root_name = folder.name
    page = await source.list_page(folder, page_token=message.page_token)
    if not page.complete:
        raise TransientError(Reason.LISTING_INCOMPLETE, "The source says that this page of the folder may lack files.")
    if page.next_page_token is not None and page.next_page_token == message.page_token:
        raise PageTokenError(Reason.LISTING_INCOMPLETE, "The source names the same page as the next one.")
    return await _followed(page, source=source, root_name=root_name)


async def _followed(page: Page, *, source: Source, root_name: str | None) -> Listing:
    files, folders, lost = list(page.files), [], []
    lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def follow(shortcut: Shortcut) -> None:
        if shortcut.target_is_folder:
            target: File | Folder = Folder(
                id=shortcut.target_id, name=shortcut.name, resource_key=shortcut.target_resource_key
            )
        else:
            try:
                async with lookups:
                    target = await source.stat(shortcut.target_id, resource_key=shortcut.target_resource_key)
            except NotFoundError as exc:
                lost.append((shortcut, exc.message))
                return
        if isinstance(target, Folder):
            folders.append(target)
        else:
            files.append(target)

    await asyncio.gather(*(follow(shortcut) for shortcut in page.shortcuts))
    return Listing(
        files=files,
        folders=page.folders,
        folders_by_shortcut=folders,
        dangling=lost,
        next_page_token=page.next_page_token,
        root_name=root_name,
    )


def _advance(tx: Tx, *, message: Crawl, listing: Listing, terms: Terms, folds_case: bool) -> list[Crawl | Transfer]:
    job = jobs.get(tx, message.job_id)
    if job is None:
        return []
    held = images.held(tx, source=job.source, store=job.store, file_ids=[file.id for file in listing.files])
    where = {"folder_id": message.folder.id, "path": message.path}
    finds = [judge(file, options=job.options, held=held, folds_case=folds_case, **where) for file in listing.files]
    finds += [dangling(lost.id, lost.name, detail=why, **where) for lost, why in listing.dangling]
    crawls.advance(
        tx,
        message,
        finds=finds,
        subfolders=list(subfolders(listing, path=message.path)) if job.options.recursive else [],
        next_page_token=listing.next_page_token,
        terms=terms,
        folder_name=listing.root_name,
    )
    return ledger.dispatch(tx, job.id, terms=terms, now_ms=now_ms())


def _stumble(tx: Tx, *, message: Crawl, error: ImageferryError, terms: Terms) -> list[Crawl | Transfer]:
    crawls.stumble(tx, message, error=error, terms=terms, now_ms=now_ms())
    return ledger.dispatch(tx, message.job_id, terms=terms, now_ms=now_ms())


def subfolders(listing: Listing, *, path: str) -> list[SubFolder]:
    """The folders of a page, each with its path below the root."""
    found = [SubFolder(folder=folder, path=_below(path, folder)) for folder in listing.folders]
    by_shortcut = [
        SubFolder(folder=folder, path=_below(path, folder), by_shortcut=True) for folder in listing.folders_by_shortcut
    ]
    return found + by_shortcut


def _below(path: str, folder: Folder) -> str:
    name = folder.name.replace("/", "\N{DIVISION SLASH}")  # so that the path's own slashes are the only ones
    return f"{path}/{name}" if path else name
