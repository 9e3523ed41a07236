"""A source in memory, for tests; it passes the same contract tests as the real ones."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from msgspec.structs import replace

from imageferry.errors import (
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    UsageError,
)
from imageferry.model import Content, File, Folder, FolderRef, Media, Page

NAME = "memory"
CHUNK_SIZE_BYTES = 1 << 20

Entry = File | Folder


@dataclass(slots=True)
class MemorySource:
    """Folders and files that a test adds; a page has `page_size` entries."""

    page_size: int = 1000
    name: str = NAME
    _entries: dict[str, Entry] = field(default_factory=dict)
    _children: dict[str, list[str]] = field(default_factory=dict)
    _contents: dict[str, bytes] = field(default_factory=dict)

    def add_folder(self, name: str, *, parent: Folder | None = None, folder_id: str | None = None) -> Folder:
        """Add a folder; without a parent it is a root."""
        folder = Folder(id=folder_id or self._next_id("folder"), name=name)
        self._children[folder.id] = []
        self._add(folder, parent)
        return folder

    def add_file(
        self,
        name: str,
        content: bytes,
        *,
        parent: Folder,
        file_id: str | None = None,
        mime_type: str = "image/jpeg",
        downloadable: bool = True,
        media: Media | None = None,
    ) -> File:
        """Add a file, or replace the content of the file with this ID."""
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        file = File(
            id=file_id or self._next_id("file"),
            name=name,
            mime_type=mime_type,
            size_bytes=len(content),
            md5=digest,
            version=digest,
            downloadable=downloadable,
            media=media,
        )
        self._contents[file.id] = content
        self._add(file, parent)
        return file

    def remove(self, entry: Entry) -> None:
        """Delete an entry."""
        del self._entries[entry.id]
        self._contents.pop(entry.id, None)
        for children in self._children.values():
            if entry.id in children:
                children.remove(entry.id)

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        entry = self._entries.get(folder_ref.folder_id)
        match entry:
            case Folder():
                return replace(entry, resource_key=folder_ref.resource_key)
            case None:
                raise NotFoundError(Reason.FOLDER_NOT_FOUND, f"There is no folder {folder_ref.folder_id}.")
            case _:
                raise UsageError(Reason.NOT_A_FOLDER_URL, f"{entry.name} is not a folder.")

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        if folder.id not in self._entries:
            raise NotFoundError(Reason.FOLDER_NOT_FOUND, f"There is no folder {folder.id}.")
        children = self._children[folder.id]
        start = self._start(page_token, length=len(children))
        end = start + self.page_size
        entries = [self._entries[id_] for id_ in children[start:end]]
        return Page(
            files=tuple(entry for entry in entries if isinstance(entry, File)),
            folders=tuple(entry for entry in entries if isinstance(entry, Folder)),
            next_page_token=str(end) if end < len(children) else None,
        )

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:  # noqa: ARG002 - required by the port
        """See Source."""
        entry = self._entries.get(file_id)
        if entry is None:
            raise NotFoundError(Reason.GONE, f"There is no file {file_id}.")
        return entry

    async def read(self, file: File) -> bytes:
        """See Source."""
        if not file.downloadable:
            raise PermanentError(Reason.FORBIDDEN, f"{file.name} can't be downloaded.")
        try:
            return self._contents[file.id]
        except KeyError:
            raise NotFoundError(Reason.GONE, f"There is no file {file.id}.") from None

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        content = await self.read(file)
        for start in range(offset_bytes, len(content), CHUNK_SIZE_BYTES):
            yield content[start : start + CHUNK_SIZE_BYTES]

    async def close(self) -> None:
        """See Source. The content is kept."""

    def _next_id(self, kind: str) -> str:
        return f"{kind}-{len(self._entries) + 1}"

    def _add(self, entry: Entry, parent: Folder | None) -> None:
        exists = entry.id in self._entries
        self._entries[entry.id] = entry
        if parent is not None and not exists:
            self._children[parent.id].append(entry.id)

    def _start(self, page_token: str | None, *, length: int) -> int:
        if page_token is None:
            return 0
        if not page_token.isdecimal() or not 0 < int(page_token) < length:
            raise PageTokenError(Reason.REJECTED, "This page token is no longer valid.")
        return int(page_token)
