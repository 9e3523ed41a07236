"""One page of a folder, with its shortcuts followed."""

import asyncio
from collections.abc import Awaitable, Sequence

from msgspec import Struct

from imageferry.errors import DeferredError, NotFoundError, PageTokenError, PermanentError, Reason, TransientError
from imageferry.model import FOLDER_MIME_TYPE, Crawl, File, Folder, FolderRef, Page, Shortcut, SubFolder
from imageferry.sources.base import Source

# A shortcut's target is looked up one by one: so many at once.
LOOKUPS_AT_ONCE = 8


class Listing(Struct, frozen=True, kw_only=True):
    """One page, with its shortcuts followed."""

    files: Sequence[File] = ()
    folders: Sequence[Folder] = ()
    folders_by_shortcut: Sequence[Folder] = ()
    dangling: Sequence[tuple[Shortcut, str]] = ()  # and why
    next_page_token: str | None = None
    root_name: str | None = None  # of the root, when this is its first page
    target: Folder | None = None  # of a root that is a shortcut: the folder to list in its place


async def list_page(message: Crawl, *, source: Source) -> Listing:
    """A page and what its shortcuts point at.

    Raises TransientError(LISTING_INCOMPLETE) when the source says that the page lacks files, PageTokenError
    when its tokens lead nowhere; and what the source raises.
    """
    locator = root_of(message)
    if locator is not None:
        # It may be a shortcut, or private by now.
        return await list_root(locator, source=source, root=source.resolve(locator))
    page = await source.list_page(message.folder, page_token=message.page_token)
    if page.next_page_token is not None and page.next_page_token == message.page_token:
        raise PageTokenError(Reason.LISTING_INCOMPLETE, "The source names the same page as the next one.")
    return await _followed(page, source=source)


def root_of(message: Crawl) -> FolderRef | None:
    """The root whose first page a message is for; None: it is for any other page."""
    if not message.root or message.page_token is not None:
        return None
    return FolderRef(source=message.source, folder_id=message.folder.id, resource_key=message.folder.resource_key)


async def list_root(locator: FolderRef, *, source: Source, root: Awaitable[Folder]) -> Listing:
    """The first page of all, while the root behind a locator is looked up: most likely it is the folder itself.

    A shortcut's has nothing but its target, whose pages are asked for by its own id and key. Raises what either call
    raises, the look-up's first; and see list_page.
    """
    folder = Folder(id=locator.folder_id, name="", resource_key=locator.resource_key)
    found, page = await asyncio.gather(root, source.list_page(folder), return_exceptions=True)
    if isinstance(found, BaseException):
        raise found
    if found.id != folder.id:
        return Listing(target=found, root_name=found.name)
    if found.resource_key != folder.resource_key:
        page = await source.list_page(found)
    if isinstance(page, BaseException):
        raise page
    return await _followed(page, source=source, root_name=found.name)


async def _followed(page: Page, *, source: Source, root_name: str | None = None) -> Listing:
    if not page.complete:
        raise TransientError(Reason.LISTING_INCOMPLETE, "The source says that this page of the folder may lack files.")
    files, folders, lost = list(page.files), [], []
    lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def follow(shortcut: Shortcut) -> None:
        if shortcut.target_mime_type == FOLDER_MIME_TYPE:
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
            except (PermanentError, DeferredError):
                target = _as_pointed_at(shortcut)  # refused itself when its turn comes, and nothing else with it
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


def _as_pointed_at(shortcut: Shortcut) -> File:
    """All that a shortcut itself tells of its file."""
    return File(
        id=shortcut.target_id,
        name=shortcut.name,
        mime_type=shortcut.target_mime_type,
        resource_key=shortcut.target_resource_key,
    )


def subfolders(listing: Listing, *, path: str) -> list[SubFolder]:
    """The folders of a page, each with its path below the root."""
    if listing.target is not None:
        return [SubFolder(folder=listing.target, path=path)]
    found = [SubFolder(folder=folder, path=_below(path, folder)) for folder in listing.folders]
    by_shortcut = [
        SubFolder(folder=folder, path=_below(path, folder), by_shortcut=True) for folder in listing.folders_by_shortcut
    ]
    return found + by_shortcut


def _below(path: str, folder: Folder) -> str:
    name = folder.name.replace("/", "\N{DIVISION SLASH}")  # so that the path's own slashes are the only ones
    return f"{path}/{name}" if path else name
