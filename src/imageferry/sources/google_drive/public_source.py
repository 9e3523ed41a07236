"""Google Drive over its public pages, without any credentials."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from email.message import Message
from http import HTTPStatus
from urllib.parse import urlencode

from msgspec.structs import replace

from imageferry.errors import NotFoundError, PageTokenError, Reason
from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.google_drive import response_bodies
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.errors import Asked, Call, error_from, not_a_folder, not_found, not_the_file
from imageferry.sources.google_drive.public_html import (
    FolderPage,
    complaint_from,
    download_link_from,
    folder_page_from,
)
from imageferry.sources.google_drive.response import Answer
from imageferry.sources.google_drive.transport import Transport
from imageferry.sources.google_drive.urls import NAME

PAGE_SIZE = 1000
FOLDER_PAGE_SIZE_BYTES_MAX = 64 << 20

_OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})


class PublicFolderSource:
    """Folders shared with anyone, as a browser without an account sees them.

    The pages tell names, at best types, and a date; neither sizes nor digests. Google throttles them: an API
    key is better.
    """

    name = NAME

    def __init__(self, config: GoogleDriveConfig, *, page_size: int = PAGE_SIZE) -> None:
        self._endpoint = config.web_endpoint.rstrip("/")
        self._page_size = page_size
        self._deadlines = config.deadlines
        self._cool_down_s = config.cool_down_s
        self._transport = Transport(
            origin=config.web_endpoint,
            connections=config.connections,
            deadlines=config.deadlines,
            keep_cookies=True,  # the form before a large file may count on one
        )

    async def resolve(self, locator: FolderRef) -> Folder:
        """See Source."""
        try:
            found = await self.stat(locator.folder_id, resource_key=locator.resource_key)
        except NotFoundError as exc:
            raise not_found(Call(asked=Asked.FOLDER, id=locator.folder_id)) from exc
        if isinstance(found, File):
            raise not_a_folder(found.name)
        return found

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source; the page has everything at once, and a token says how far it was taken in."""
        page = await self._folder_page(folder.id, resource_key=folder.resource_key)
        marks = hashlib.sha256(repr([entry.id for entry in page.entries]).encode()).hexdigest()[:16]
        start = _start(page_token, marks=marks)
        end = start + self._page_size
        entries = page.entries[start:end]
        return Page(
            files=tuple(entry for entry in entries if isinstance(entry, File)),
            folders=tuple(entry for entry in entries if isinstance(entry, Folder)),
            next_page_token=f"{end}.{marks}" if end < len(page.entries) else None,
        )

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source; what is no folder is asked for as a download, of which only the headers are read."""
        try:
            page = await self._folder_page(file_id, resource_key=resource_key)
        except NotFoundError:
            file = File(id=file_id, name=file_id, resource_key=resource_key)
            answer = await self._media(file, size_bytes=None)
            answer.close()
            return _file_from(answer, file)
        return Folder(id=file_id, name=page.name, resource_key=resource_key)

    async def read(self, file: File) -> Content:
        """See Source."""
        answer = await self._media(file, size_bytes=file.size_bytes)
        return await response_bodies.whole(answer, file=file, deadlines=self._deadlines)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        answer = await self._media(file, size_bytes=None, offset_bytes=offset_bytes)
        chunks = response_bodies.stream(answer, file=file, offset_bytes=offset_bytes, deadlines=self._deadlines)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._transport.close()

    async def _folder_page(self, folder_id: str, *, resource_key: str | None) -> FolderPage:
        call = Call(asked=Asked.FOLDER, id=folder_id, cool_down_s=self._cool_down_s)
        # hl: a file's version is known by its date, which must not change with the reader's tongue.
        url = self._url("embeddedfolderview", {"id": folder_id, "hl": "en"}, resource_key=resource_key)
        deadline_s = self._deadlines.listing_s
        answer = await self._get(
            url, headers={}, ahead_bytes=FOLDER_PAGE_SIZE_BYTES_MAX, deadline_s=deadline_s, call=call
        )
        html = await response_bodies.bounded(answer, size_bytes_max=FOLDER_PAGE_SIZE_BYTES_MAX)
        page = await asyncio.to_thread(folder_page_from, html)  # a large folder's page takes a second to parse
        if page is None:
            raise complaint_from(html, call=call) or not_the_file(call)
        return page

    async def _media(self, file: File, *, size_bytes: int | None, offset_bytes: int = 0) -> Answer:
        """An answer whose body is the file's, past the form that stands before a large one."""
        call = Call(asked=Asked.FILE, id=file.id, cool_down_s=self._cool_down_s)
        ahead_bytes = response_bodies.ahead_bytes(size_bytes)
        deadline_s = None if size_bytes is None else self._deadlines.body_s(size_bytes)
        headers = {"Accept-Encoding": "identity"}
        if offset_bytes:
            headers["Range"] = f"bytes={offset_bytes}-"
        url = self._url("uc", {"export": "download", "id": file.id}, resource_key=file.resource_key)
        answer = await self._get(url, headers=headers, ahead_bytes=ahead_bytes, deadline_s=deadline_s, call=call)
        if _is_file(answer, file):
            return answer
        html = await response_bodies.opening(answer)
        if link := download_link_from(html):
            target = self._transport.checked(answer.url, link)
            answer = await self._get(target, headers=headers, ahead_bytes=ahead_bytes, deadline_s=deadline_s, call=call)
            if _is_file(answer, file):
                return answer
            html = await response_bodies.opening(answer)
        raise complaint_from(html, call=call) or not_the_file(call)

    async def _get(
        self, url: str, *, headers: dict[str, str], ahead_bytes: int, deadline_s: float | None, call: Call
    ) -> Answer:
        answer = await self._transport.get(url, headers=headers, ahead_bytes=ahead_bytes, deadline_s=deadline_s)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            html = await response_bodies.opening(answer)
            refusal = response_bodies.refusal_of(answer, body=html)
            # These statuses speak for all of Google; of others the page tells more, as that a file is withheld.
            if answer.status in _OVERLOADED:
                raise error_from(refusal, call=call)
            raise complaint_from(html, call=call) or error_from(refusal, call=call)
        return answer

    def _url(self, page: str, query: dict[str, str], *, resource_key: str | None) -> str:
        key = {"resourcekey": resource_key} if resource_key else {}
        return f"{self._endpoint}/{page}?{urlencode(query | key)}"


def _is_file(answer: Answer, file: File) -> bool:
    return answer.header("Content-Disposition") is not None or not response_bodies.is_page(answer, file=file)


def _file_from(answer: Answer, file: File) -> File:
    disposition = Message()
    disposition["Content-Disposition"] = answer.header("Content-Disposition") or ""
    return replace(
        file,
        name=disposition.get_filename() or file.name,
        mime_type=answer.content_type or file.mime_type,
        size_bytes=answer.announced_bytes,
    )


def _start(page_token: str | None, *, marks: str) -> int:
    """Where a token says to go on; raises PageTokenError when the folder has changed under it."""
    if page_token is None:
        return 0
    start, _, told_marks = page_token.partition(".")
    if told_marks != marks or not start.isdecimal():
        raise PageTokenError(Reason.REJECTED, "The folder has changed since its first page was read.")
    return int(start)
