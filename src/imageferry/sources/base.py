"""The port that every source implements."""

from collections.abc import AsyncGenerator
from typing import Protocol

from imageferry.model import Content, File, Folder, FolderRef, Page

# Listing, `stat` and `resolve` are one kind of call, `read` and `stream` the other: sources limit them apart.


class Source(Protocol):
    """A place that files come from, seen through its own credentials.

    Every method raises errors by behaviour (imageferry.errors): ThrottledError and TransientError when
    the call may be made again, DeferredError or PermanentError (NotFoundError) when this file or folder
    cannot be had, BlockedError when nothing can be had until somebody acts. No call waits without bound.
    """

    name: str  # as in Locator.source

    async def resolve(self, locator: FolderRef) -> Folder:
        """The folder that a locator names.

        A shortcut to a folder is followed. Raises NotFoundError when it is private, trashed or missing,
        UsageError when it is not a folder.
        """
        ...

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """One page of a folder's direct children, at most 1,000 entries, from the first when no token is given.

        Raises PageTokenError when the token is not accepted any more.
        """
        ...

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """A single file or folder, as a listing would show it; what a shortcut's target is looked up with."""
        ...

    async def read(self, file: File) -> Content:
        """A file's bytes, whole; for files of known, small size.

        Raises TransientError(CORRUPT) when there are more or fewer bytes than the source announced.
        """
        ...

    def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """A file's bytes from an offset on, in chunks of at most 1 MiB; for files of any size.

        Raises TransientError when it breaks off; whoever reads may open it again where it broke.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        ...
