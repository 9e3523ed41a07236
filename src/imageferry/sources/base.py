"""The port that every source implements."""

from collections.abc import AsyncGenerator
from typing import Protocol

from imageferry.model import Content, File, Folder, FolderRef, Page

# `resolve`, `list_page` and `stat` are one kind of call, `read` and `stream` the other: they are rate-limited
# separately.


class Source(Protocol):
    """A place that files are imported from, accessed with its own credentials. See docs/writing-a-source.md.

    Methods raise errors by behaviour (imageferry.errors): ThrottledError or TransientError when the call may be made
    again, DeferredError or PermanentError (NotFoundError) when this file or folder is not available, BlockedError
    when nothing is available until a person acts. Every call has a timeout.

        folder = await source.resolve(FolderRef(source=source.name, folder_id="1AbC"))
        page = await source.list_page(folder)
        while page.next_page_token:
            page = await source.list_page(folder, page_token=page.next_page_token)
        content = await source.read(page.files[0])
    """

    name: str  # as in FolderRef.source; stored with every job and image, so it must never change

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """Return the folder that a reference names, following a shortcut to a folder.

        Raises NotFoundError when it is private, trashed or missing, UsageError when it is not a folder.
        """
        ...

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """Return one page of a folder's direct children: at most 1,000 entries, the first page without a token.

        Raises PageTokenError when the token is no longer valid.
        """
        ...

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """Return one file or folder as a listing would show it. Used to look up the target of a shortcut."""
        ...

    async def read(self, file: File) -> Content:
        """Return all bytes of a file; called for small files of known size.

        Raises TransientError(CORRUPT) when the number of bytes differs from the announced size.
        """
        ...

    def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """Yield a file's bytes from an offset on, in chunks of at most 1 MiB; for files of any size.

        Raises TransientError when it breaks off. The caller may then open it again at that offset.
        """
        ...

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        ...
