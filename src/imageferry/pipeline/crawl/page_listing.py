"""Lists one page of a folder and follows its shortcuts."""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from imageferry.errors import (
    DeferredError,
    NotFoundError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from imageferry.model import (
    FOLDER_MIME_TYPE,
    Crawl,
    File,
    Folder,
    FolderRef,
    Page,
    Shortcut,
    SubFolder,
    UnreadableEntry,
)
from imageferry.sources.base import Source

# Each shortcut's target is looked up by a call of its own.
LOOKUPS_CONCURRENT = 8
PATH_LENGTH_MAX = 16_384  # characters: it is stored with each file


class PageListing(Struct, frozen=True, kw_only=True):
    """One page of a folder, with its shortcuts followed."""

    files: Sequence[File] = ()
    folders: Sequence[Folder] = ()
    folders_by_shortcut: Sequence[Folder] = ()
    dangling: Sequence[tuple[Shortcut, str]] = ()  # shortcuts without a target, and why
    unreadable: Sequence[UnreadableEntry] = ()
    next_page_token: str | None = None
    root_name: str | None = None  # only on the first page of the root
    root_target: Folder | None = None  # of a root that is a shortcut: the folder to list instead


async def list_page(message: Crawl, *, source: Source) -> PageListing:
    """List a page and look up the targets of its shortcuts.

    Raises TransientError(LISTING_INCOMPLETE) if the source says that the page lacks files, and what the source raises.
    """
    folder_ref = root_ref(message)
    if folder_ref is not None:
        # The root may be a shortcut, or private by now.
        return await list_root(folder_ref, source=source, resolving=source.resolve(folder_ref))
    page = await source.list_page(message.folder, page_token=message.page_token)
    return await _follow_shortcuts(page, source=source)


def root_ref(message: Crawl) -> FolderRef | None:
    """Return the root that the message lists the first page of, or None if it lists another page."""
    if not message.is_root or message.page_token is not None:
        return None
    return FolderRef(source=message.source, folder_id=message.folder.id, resource_key=message.folder.resource_key)


async def list_root(folder_ref: FolderRef, *, source: Source, resolving: Awaitable[Folder]) -> PageListing:
    """List the first page of a root while it is looked up (`resolving`): most likely it is the folder itself.

    If the root is a shortcut, the result is only its target, whose pages are listed by its own id and resource key.
    Raises the error of the look-up, else that of the listing; see `list_page`.
    """
    folder = Folder(id=folder_ref.folder_id, name="", resource_key=folder_ref.resource_key)
    root, page = await asyncio.gather(resolving, source.list_page(folder), return_exceptions=True)
    if isinstance(root, BaseException):
        raise root
    if root.id != folder.id:
        return PageListing(root_target=root, root_name=root.name)
    if root.resource_key != folder.resource_key:
        page = await source.list_page(root)
    if isinstance(page, BaseException):
        raise page
    return await _follow_shortcuts(page, source=source, root_name=root.name)


async def _follow_shortcuts(page: Page, *, source: Source, root_name: str | None = None) -> PageListing:
    if not page.is_complete:
        raise TransientError(Reason.LISTING_INCOMPLETE, "The source says that this page of the folder may lack files.")
    page, unreadable = _usable(page)
    files, folders, dangling = list(page.files), [], []
    lookups = asyncio.Semaphore(LOOKUPS_CONCURRENT)

    async def follow(shortcut: Shortcut) -> None:
        target_id, resource_key = shortcut.target_id or "", shortcut.target_resource_key
        if not _USABLE_ID.fullmatch(target_id):
            dangling.append((shortcut, "The shortcut names no target."))
            return
        target: File | Folder = Folder(id=target_id, name=shortcut.name, resource_key=resource_key)
        if shortcut.target_mime_type != FOLDER_MIME_TYPE:
            try:
                async with lookups:
                    target = await source.stat(target_id, resource_key=resource_key)
            except NotFoundError as exc:
                dangling.append((shortcut, exc.message))
                return
            except (ThrottledError, UnreachableError):
                raise
            except (TransientError, PermanentError, DeferredError):
                # With only the properties that the shortcut gives. Its transfer may fail, and nothing else.
                target = File(
                    id=target_id, name=shortcut.name, mime_type=shortcut.target_mime_type, resource_key=resource_key
                )
        if isinstance(target, Folder):
            folders.append(target)
        else:
            files.append(target)

    await asyncio.gather(*(follow(shortcut) for shortcut in page.shortcuts))
    return PageListing(
        files=files,
        folders=page.folders,
        folders_by_shortcut=folders,
        dangling=dangling,
        unreadable=unreadable,
        next_page_token=page.next_page_token,
        root_name=root_name,
    )


# Printable ASCII, as URLs, key columns of every database, and comparisons of any kind need it; no relative path.
_USABLE_ID = re.compile(r"(?!\.{1,2}\Z)[!-~]{1,255}")


def _usable(page: Page) -> tuple[Page, Sequence[UnreadableEntry]]:
    """Return a page without the entries whose id can't be used, and the entries that can't, each with an id."""
    entries: tuple[File | Folder | Shortcut, ...] = (*page.files, *page.folders, *page.shortcuts)
    odd = {entry.id: entry for entry in entries if not _USABLE_ID.fullmatch(entry.id)}
    unreadable = [*page.unreadable, *map(_without_id, odd.values())]
    if odd:
        page = replace(
            page,
            files=tuple(entry for entry in page.files if entry.id not in odd),
            folders=tuple(entry for entry in page.folders if entry.id not in odd),
            shortcuts=tuple(entry for entry in page.shortcuts if entry.id not in odd),
        )
    return page, [entry if _USABLE_ID.fullmatch(entry.id) else _with_hash(entry) for entry in unreadable]


def _without_id(entry: File | Folder | Shortcut) -> UnreadableEntry:
    detail = f"The source lists it with the ID {entry.id[:80]!r}, which can't be one."
    return UnreadableEntry(id=entry.id, name=entry.name, detail=detail)


def _with_hash(entry: UnreadableEntry) -> UnreadableEntry:
    digest = sha256(f"{entry.id}\n{entry.name}".encode(errors="surrogatepass")).hexdigest()
    return replace(entry, id=f"unreadable-{digest[:32]}")


def subfolders(listing: PageListing, *, path: str) -> list[SubFolder]:
    """Return the folders of a page, each with its path below the root. `path` is that of the listed folder."""
    if listing.root_target is not None:
        return [SubFolder(folder=listing.root_target, path=path)]
    found = [SubFolder(folder=folder, path=_join(path, folder)) for folder in listing.folders]
    via_shortcut = [
        SubFolder(folder=folder, path=_join(path, folder), via_shortcut=True) for folder in listing.folders_by_shortcut
    ]
    return found + via_shortcut


def _join(path: str, folder: Folder) -> str:
    name = folder.name.replace("/", "\N{DIVISION SLASH}")  # so that each slash of a path separates two folders
    return (f"{path}/{name}" if path else name)[:PATH_LENGTH_MAX]
