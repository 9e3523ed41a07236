"""Google Drive through its API, version 3."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from imageferry.model import FOLDER_MIME_TYPE, Content, File, Folder, FolderRef, Page
from imageferry.sources.google_drive import response_bodies
from imageferry.sources.google_drive.api_models import (
    FILE_FIELDS,
    FILE_LIST_FIELDS,
    DriveFile,
    parse_drive_file,
    parse_page,
    to_file,
    to_folder,
)
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.credentials import Credentials
from imageferry.sources.google_drive.errors import Call, Subject, not_a_folder, not_found, to_error, unexpected_page
from imageferry.sources.google_drive.response import DriveResponse
from imageferry.sources.google_drive.transport import Transport
from imageferry.sources.google_drive.urls import NAME

PAGE_SIZE = 1000  # the maximum of the API
LISTING_SIZE_BYTES_MAX = 64 << 20


class GoogleDriveSource:
    """Folders and files visible to an API key or an account, including shared drives."""

    name = NAME

    def __init__(self, config: GoogleDriveConfig, *, credentials: Credentials) -> None:
        self._credentials = credentials
        self._timeouts = config.timeouts
        self._cool_down_s = config.cool_down_s
        self._transport = Transport(origin=config.endpoint, connections=config.connections, timeouts=config.timeouts)

        self._files_url = f"{config.endpoint.rstrip('/')}/drive/v3/files"
        common = {"supportsAllDrives": "true"}
        self._media_query = urlencode({"alt": "media"} | common)
        self._stat_query = urlencode({"fields": f"{FILE_FIELDS},trashed"} | common)
        list_query = {"pageSize": str(PAGE_SIZE), "fields": FILE_LIST_FIELDS, "includeItemsFromAllDrives": "true"}
        self._list_query = urlencode(list_query | common)

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        entry = await self._get_entry(
            folder_ref.folder_id, resource_key=folder_ref.resource_key, subject=Subject.FOLDER
        )
        if (target := entry.shortcut_details) and target.target_id:
            entry = await self._get_entry(
                target.target_id, resource_key=target.target_resource_key, subject=Subject.FOLDER
            )
        if entry.mime_type != FOLDER_MIME_TYPE:
            raise not_a_folder(entry.name or entry.id)
        folder = to_folder(entry)
        is_linked = entry.id == folder_ref.folder_id and folder.resource_key is None
        return replace(folder, resource_key=folder_ref.resource_key) if is_linked else folder

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source."""
        # One parent per query: with two, joined by `or`, Drive silently omits children. No orderBy: it can time
        # out on a large folder.
        escaped_id = folder.id.replace("\\", "\\\\").replace("'", "\\'")
        query = {"q": f"'{escaped_id}' in parents and trashed=false"}
        if page_token is not None:
            query["pageToken"] = page_token
        url = f"{self._files_url}?{urlencode(query)}&{self._list_query}"
        call = self._call(Subject.FOLDER, folder.id, has_page_token=page_token is not None)
        return parse_page(await self._get_document(url, resource_key=folder.resource_key, call=call))

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source. A shortcut is returned as a file of the shortcut type, which has no bytes."""
        entry = await self._get_entry(file_id, resource_key=resource_key, subject=Subject.FILE)
        return to_folder(entry) if entry.mime_type == FOLDER_MIME_TYPE else to_file(entry)

    async def read(self, file: File) -> Content:
        """See Source."""
        response = await self._get_media(file, size_bytes=file.size_bytes)
        return await response_bodies.read_whole(response, file=file, timeouts=self._timeouts)

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        response = await self._get_media(file, size_bytes=None, offset_bytes=offset_bytes)
        chunks = response_bodies.stream(response, file=file, offset_bytes=offset_bytes, timeouts=self._timeouts)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """See Source."""
        await self._transport.close()

    async def _get_entry(self, entry_id: str, *, resource_key: str | None, subject: Subject) -> DriveFile:
        url = f"{self._files_url}/{quote(entry_id, safe='')}?{self._stat_query}"
        call = self._call(subject, entry_id)
        entry = parse_drive_file(await self._get_document(url, resource_key=resource_key, call=call))
        if entry.trashed:
            raise not_found(call)
        return entry

    async def _get_document(self, url: str, *, resource_key: str | None, call: Call) -> bytes:
        headers = _resource_keys(call.id, resource_key) if resource_key else {}
        timeout_s = self._timeouts.listing_s
        response = await self._get(
            url, headers=headers, prefetch_bytes=LISTING_SIZE_BYTES_MAX, timeout_s=timeout_s, call=call
        )
        return await response_bodies.read_bounded(response, size_bytes_max=LISTING_SIZE_BYTES_MAX)

    async def _get_media(self, file: File, *, size_bytes: int | None, offset_bytes: int = 0) -> DriveResponse:
        """Return a response with the file's bytes, from the offset on or from zero; prefetched if a size is given."""
        headers = _IDENTITY
        if file.resource_key:
            headers = headers | _resource_keys(file.id, file.resource_key)
        if offset_bytes:
            headers = headers | {"Range": f"bytes={offset_bytes}-"}
        url = f"{self._files_url}/{quote(file.id, safe='')}?{self._media_query}"
        call = self._call(Subject.FILE, file.id)
        response = await self._get(
            url,
            headers=headers,
            prefetch_bytes=response_bodies.prefetch_bytes(size_bytes),
            timeout_s=None if size_bytes is None else self._timeouts.body_s(size_bytes),
            call=call,
        )
        if response_bodies.is_unexpected_page(response, file=file):
            response.close()
            raise unexpected_page(call)
        return response

    async def _get(
        self, url: str, *, headers: dict[str, str], prefetch_bytes: int, timeout_s: float | None, call: Call
    ) -> DriveResponse:
        async def attempt() -> DriveResponse:
            authenticated = {**headers, **await self._credentials.headers()}
            return await self._transport.get(
                url, headers=authenticated, prefetch_bytes=prefetch_bytes, timeout_s=timeout_s
            )

        response = await attempt()
        if response.status == HTTPStatus.UNAUTHORIZED and self._credentials.invalidate():
            response.close()
            response = await attempt()
        if response.status >= HTTPStatus.BAD_REQUEST:
            body = await response_bodies.read_start(response)
            raise to_error(response_bodies.error_response_from(response, body=body), call=call)
        return response

    def _call(self, subject: Subject, entry_id: str, *, has_page_token: bool = False) -> Call:
        return Call(subject=subject, id=entry_id, has_page_token=has_page_token, cool_down_s=self._cool_down_s)


_IDENTITY = {"Accept-Encoding": "identity"}  # so that Content-Length is the size of the file


def _resource_keys(entry_id: str, resource_key: str) -> dict[str, str]:
    return {"X-Goog-Drive-Resource-Keys": f"{entry_id}/{resource_key}"}
