"""One page of a folder, with its shortcuts followed."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from imageferry.errors import NotFoundError, PageTokenError, Reason, TransientError
from imageferry.model import Crawl, File, Folder, Locator, Page, Shortcut, SubFolder
from imageferry.sources.base import Source

# A shortcut's target is looked up one by one: so many at once.
LOOKUPS_AT_ONCE = 8


class Listing(Struct, frozen=True, kw_only=True):
    """One page, with its shortcuts followed."""

    files: Sequence[File]
    folders: Sequence[Folder]
    folders_by_shortcut: Sequence[Folder]
    dangling: Sequence[tuple[Shortcut, str]]  # and why
    next_page_token: str | None
    root_name: str | None = None  # of the root, when this is its first page


async def list_page(message: Crawl, *, source: Source) -> Listing:
    """A page and what its shortcuts point at.

    Raises TransientError(LISTING_INCOMPLETE) when the source says that the page lacks files, PageTokenError
    when its tokens lead nowhere; and what the source raises.
    """
    if message.root and message.page_token is None:
        page, root_name = await _root_page(message, source=source)
    else:
        page, root_name = await source.list_page(message.folder, page_token=message.page_token), None
    if not page.complete:
        raise TransientError(Reason.LISTING_INCOMPLETE, "The source says that this page of the folder may lack files.")
    if page.next_page_token is not None and page.next_page_token == message.page_token:
        raise PageTokenError(Reason.LISTING_INCOMPLETE, "The source names the same page as the next one.")
    return await _followed(page, source=source, root_name=root_name)


async def _root_page(message: Crawl, *, source: Source) -> tuple[Page, str]:
    """The first page of all, and the root's name, which is looked up for it may be a shortcut, or private by now."""
    locator = Locator(source=message.source, folder_id=message.folder.id, resource_key=message.folder.resource_key)
    if not message.folder.name:
        root = await source.resolve(locator)
        return await source.list_page(root), root.name
    # It has been looked up before, and is most likely the same: nobody need wait for that.
    listing = source.list_page(message.folder)
    now, page = await asyncio.gather(source.resolve(locator), listing, return_exceptions=True)
    if isinstance(now, BaseException):
        raise now
    if now.id != message.folder.id:
        return await source.list_page(now), now.name
    if isinstance(page, BaseException):
        raise page
    return page, now.name


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
