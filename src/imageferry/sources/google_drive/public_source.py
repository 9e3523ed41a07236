"""Google Drive through its public pages, without credentials."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from urllib.parse import urlencode

from msgspec.structs import replace

from imageferry.errors import NotFoundError, PageTokenError, Reason
from imageferry.model import Content, File, Folder, FolderRef, Page
from imageferry.sources.google_drive import response_bodies
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.content_disposition import parse_file_name
from imageferry.sources.google_drive.errors import Call, Subject, not_a_folder, not_found, to_error, unexpected_page
from imageferry.sources.google_drive.public_html import (
    FolderPage,
    find_download_link,
    find_error,
    parse_folder_page,
)
from imageferry.sources.google_drive.response import DriveResponse
from imageferry.sources.google_drive.transport import Transport
from imageferry.sources.google_drive.urls import NAME

PAGE_SIZE = 1000
FOLDER_PAGE_SIZE_BYTES_MAX = 64 << 20
LANGUAGE = "en"  # a file's version contains its date, and an error page its reason: neither may depend on the language

_OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(500, 600)})


class PublicFolderSource:
    """Folders shared with anyone, as a browser without an account sees them.

    The pages contain names, a date and often types, but neither sizes nor checksums. Google throttles them more than
    the API: an API key is better.
    """

    name = NAME

    def __init__(self, config: GoogleDriveConfig, *, page_size: int = PAGE_SIZE) -> None:
        self._endpoint = config.web_endpoint.rstrip("/")
        self._page_size = page_size
        self._timeouts = config.timeouts
        self._cool_down_s = config.cool_down_s
        self._transport = Transport(
            origin=config.web_endpoint,
            connections=config.connections,
            timeouts=config.timeouts,
            keep_cookies=True,  # the download form of a large file may need one
        )

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        try:
            entry = await self.stat(folder_ref.folder_id, resource_key=folder_ref.resource_key)
        except NotFoundError as exc:
            raise not_found(Call(subject=Subject.FOLDER, id=folder_ref.folder_id)) from exc
        if isinstance(entry, File):
            raise not_a_folder(entry.name)
        return entry

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source. Drive's page lists the whole folder; a token is the position to continue from."""
        page = await self._get_folder_page(folder.id, resource_key=folder.resource_key)
        fingerprint = hashlib.sha256(repr([entry.id for entry in page.entries]).encode()).hexdigest()[:16]
        start = _start_of(page_token, fingerprint=fingerprint)
        end = start + self._page_size
        entries = page.entries[start:end]
        return Page(
            files=tuple(entry for entry in entries if isinstance(entry, File)),
            folders=tuple(entry for entry in entries if isinstance(entry, Folder)),
            next_page_token=f"{end}.{fingerprint}" if end < len(page.entries) else None,
        )

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source. A file is looked up by requesting its download and reading only the headers."""
        try:
            page = await self._get_folder_page(file_id, resource_key=resource_key)
        except NotFoundError:
            file = File(id=file_id, name=file_id, resource_key=resource_key)
            response = await self._get_media(file, size_bytes=None)
            response.close()
            return _file_from(response, file)
        return Folder(id=file_id, name=page.name, resource_key=resource_key)

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

    async def _get_folder_page(self, folder_id: str, *, resource_key: str | None) -> FolderPage:
        call = Call(subject=Subject.FOLDER, id=folder_id, cool_down_s=self._cool_down_s)
        url = self._url("embeddedfolderview", {"id": folder_id}, resource_key=resource_key)
        timeout_s = self._timeouts.listing_s
        response = await self._get(
            url, headers={}, prefetch_bytes=FOLDER_PAGE_SIZE_BYTES_MAX, timeout_s=timeout_s, call=call
        )
        html = await response_bodies.read_bounded(response, size_bytes_max=FOLDER_PAGE_SIZE_BYTES_MAX)
        page = await asyncio.to_thread(parse_folder_page, html)  # a large folder's page takes a second to parse
        if page is None:
            raise find_error(html, call=call) or unexpected_page(call)
        return page

    async def _get_media(self, file: File, *, size_bytes: int | None, offset_bytes: int = 0) -> DriveResponse:
        """Return a response with the file's bytes, following the download form of a large file."""
        call = Call(subject=Subject.FILE, id=file.id, cool_down_s=self._cool_down_s)
        prefetch_bytes = response_bodies.prefetch_bytes(size_bytes)
        timeout_s = None if size_bytes is None else self._timeouts.body_s(size_bytes)
        headers = {"Accept-Encoding": "identity"}
        if offset_bytes:
            headers["Range"] = f"bytes={offset_bytes}-"
        url = self._url("uc", {"export": "download", "id": file.id}, resource_key=file.resource_key)
        response = await self._get(url, headers=headers, prefetch_bytes=prefetch_bytes, timeout_s=timeout_s, call=call)
        if _is_file(response, file):
            return response
        html = await response_bodies.read_start(response)
        if link := find_download_link(html):
            target = self._transport.resolve_redirect(response.url, link)
            response = await self._get(
                target, headers=headers, prefetch_bytes=prefetch_bytes, timeout_s=timeout_s, call=call
            )
            if _is_file(response, file):
                return response
            html = await response_bodies.read_start(response)
        raise find_error(html, call=call) or unexpected_page(call)

    async def _get(
        self, url: str, *, headers: dict[str, str], prefetch_bytes: int, timeout_s: float | None, call: Call
    ) -> DriveResponse:
        headers = {"Accept-Language": LANGUAGE} | headers
        response = await self._transport.get(url, headers=headers, prefetch_bytes=prefetch_bytes, timeout_s=timeout_s)
        if response.status >= HTTPStatus.BAD_REQUEST:
            html = await response_bodies.read_start(response)
            error_response = response_bodies.error_response_from(response, body=html)
            # These statuses concern all calls. For others the page says more, for example that a quota is exceeded.
            if response.status in _OVERLOADED:
                raise to_error(error_response, call=call)
            raise find_error(html, call=call) or to_error(error_response, call=call)
        return response

    def _url(self, page: str, query: dict[str, str], *, resource_key: str | None) -> str:
        key = {"resourcekey": resource_key} if resource_key else {}
        return f"{self._endpoint}/{page}?{urlencode(query | {'hl': LANGUAGE} | key)}"


def _is_file(response: DriveResponse, file: File) -> bool:
    return response.header("Content-Disposition") is not None or not response_bodies.is_unexpected_page(
        response, file=file
    )


def _file_from(response: DriveResponse, file: File) -> File:
    return replace(
        file,
        name=parse_file_name(response.header("Content-Disposition") or "") or file.name,
        mime_type=response.content_type or file.mime_type,
        size_bytes=response.content_length_bytes,
    )


def _start_of(page_token: str | None, *, fingerprint: str) -> int:
    """Return the position in a token. Raises PageTokenError when the folder has changed since."""
    if page_token is None:
        return 0
    start, _, token_fingerprint = page_token.partition(".")
    if token_fingerprint != fingerprint or not start.isdecimal():
        raise PageTokenError(Reason.REJECTED, "The folder has changed since its first page was listed.")
    return int(start)
