"""Google Drive over its API, version 3."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from urllib.parse import quote, urlencode

from imageferry.model import FOLDER_MIME_TYPE, Content, File, Folder, FolderRef, Page
from imageferry.sources.google_drive import response_bodies
from imageferry.sources.google_drive.api_models import (
    FILE_FIELDS,
    LISTING_FIELDS,
    DriveFile,
    drive_file_from,
    file_from,
    folder_from,
    page_from,
)
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.credentials import Credentials
from imageferry.sources.google_drive.errors import Asked, Call, error_from, not_a_folder, not_found, not_the_file
from imageferry.sources.google_drive.response import Answer
from imageferry.sources.google_drive.transport import Transport
from imageferry.sources.google_drive.urls import NAME

PAGE_SIZE = 1000  # the most that Drive gives
LISTING_SIZE_BYTES_MAX = 64 << 20


class GoogleDriveSource:
    """Folders and files that an API key or a service account sees; shared drives included."""

    name = NAME

    def __init__(self, config: GoogleDriveConfig, *, credentials: Credentials) -> None:
        self._credentials = credentials
        self._deadlines = config.deadlines
        self._cool_down_s = config.cool_down_s
        self._transport = Transport(origin=config.endpoint, connections=config.connections, deadlines=config.deadlines)

        self._files_url = f"{config.endpoint.rstrip('/')}/drive/v3/files"
        every_call = {"supportsAllDrives": "true"}
        self._media_query = urlencode({"alt": "media"} | every_call)
        self._stat_query = urlencode({"fields": f"{FILE_FIELDS},trashed"} | every_call)
        listing = {"pageSize": str(PAGE_SIZE), "fields": LISTING_FIELDS, "includeItemsFromAllDrives": "true"}
        self._listing_query = urlencode(listing | every_call)

    async def resolve(self, locator: FolderRef) -> Folder:
        """See Source."""
        entry = await self._entry(locator.folder_id, resource_key=locator.resource_key, asked=Asked.FOLDER)
        if target := entry.shortcut_details:
            entry = await self._entry(target.target_id, resource_key=target.target_resource_key, asked=Asked.FOLDER)
        if entry.mime_type != FOLDER_MIME_TYPE:
            raise not_a_folder(entry.name)
        resource_key = locator.resource_key if entry.id == locator.folder_id else None
        return Folder(id=entry.id, name=entry.name, resource_key=entry.resource_key or resource_key)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        # One parent a query: with two, joined by `or`, Drive leaves out children without a word. And no
        # orderBy, which can time out on a large folder.
        escaped_id = folder.id.replace("\\", "\\\\").replace("'", "\\'")
        query = {"q": f"'{escaped_id}' in parents and trashed=false"}
        if page_token is not None:
            query["pageToken"] = page_token
        url = f"{self._files_url}?{urlencode(query)}&{self._listing_query}"
        call = self._call(Asked.FOLDER, folder.id, paged=page_token is not None)
        return page_from(await self._document(url, resource_key=folder.resource_key, call=call))

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source; a shortcut appears as a file of a type that has no bytes."""
        entry = await self._entry(file_id, resource_key=resource_key, asked=Asked.FILE)
        return folder_from(entry) if entry.mime_type == FOLDER_MIME_TYPE else file_from(entry)

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

    async def _entry(self, entry_id: str, *, resource_key: str | None, asked: Asked) -> DriveFile:
        url = f"{self._files_url}/{quote(entry_id, safe='')}?{self._stat_query}"
        call = self._call(asked, entry_id)
        entry = drive_file_from(await self._document(url, resource_key=resource_key, call=call))
        if entry.trashed:
            raise not_found(call)
        return entry

    async def _document(self, url: str, *, resource_key: str | None, call: Call) -> bytes:
        headers = _resource_keys(call.id, resource_key) if resource_key else {}
        deadline_s = self._deadlines.listing_s
        answer = await self._get(
            url, headers=headers, ahead_bytes=LISTING_SIZE_BYTES_MAX, deadline_s=deadline_s, call=call
        )
        return await response_bodies.bounded(answer, size_bytes_max=LISTING_SIZE_BYTES_MAX)

    async def _media(self, file: File, *, size_bytes: int | None, offset_bytes: int = 0) -> Answer:
        """An answer whose body is the file's, from the offset on or from zero; with a size, all of it has come."""
        headers = _IDENTITY
        if file.resource_key:
            headers = headers | _resource_keys(file.id, file.resource_key)
        if offset_bytes:
            headers = headers | {"Range": f"bytes={offset_bytes}-"}
        url = f"{self._files_url}/{quote(file.id, safe='')}?{self._media_query}"
        call = self._call(Asked.FILE, file.id)
        answer = await self._get(
            url,
            headers=headers,
            ahead_bytes=response_bodies.ahead_bytes(size_bytes),
            deadline_s=None if size_bytes is None else self._deadlines.body_s(size_bytes),
            call=call,
        )
        if response_bodies.is_page(answer, file=file):
            answer.close()
            raise not_the_file(call)
        return answer

    async def _get(
        self, url: str, *, headers: dict[str, str], ahead_bytes: int, deadline_s: float | None, call: Call
    ) -> Answer:
        async def attempt() -> Answer:
            proven = {**headers, **await self._credentials.headers()}
            return await self._transport.get(url, headers=proven, ahead_bytes=ahead_bytes, deadline_s=deadline_s)

        answer = await attempt()
        if answer.status == HTTPStatus.UNAUTHORIZED and self._credentials.refused():
            answer.close()
            answer = await attempt()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            body = await response_bodies.opening(answer)
            raise error_from(response_bodies.refusal_of(answer, body=body), call=call)
        return answer

    def _call(self, asked: Asked, entry_id: str, *, paged: bool = False) -> Call:
        return Call(asked=asked, id=entry_id, paged=paged, cool_down_s=self._cool_down_s)


_IDENTITY = {"Accept-Encoding": "identity"}  # so that Content-Length counts the file's own bytes


def _resource_keys(entry_id: str, resource_key: str) -> dict[str, str]:
    return {"X-Goog-Drive-Resource-Keys": f"{entry_id}/{resource_key}"}
