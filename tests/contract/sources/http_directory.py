"""An example source: directory listings of nginx with `autoindex_format json`. docs/writing-a-source.md explains it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import quote, unquote

import msgspec

from imageferry.errors import (
    BlockedError,
    ImageferryError,
    NotFoundError,
    PageTokenError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
    UnreachableError,
    UsageError,
)
from imageferry.http.base import ConnectError, HttpClient, HttpError, HttpResponse, Request
from imageferry.http.client import Client
from imageferry.model import Content, File, Folder, FolderRef, Page

NAME = "http_directory"
LISTING_BYTES_MAX = 64 << 20
CHUNK_BYTES = 256 << 10
PATH_LENGTH_MAX = 255  # of a resource key, in characters
TIMEOUT_S = 30.0


class Entry(msgspec.Struct):
    """One line of a listing."""

    name: str
    type: str  # `file` or `directory`
    mtime: str  # as in Last-Modified
    size: int | None = None


_decoder = msgspec.json.Decoder(list[Entry])


def parse_url(text: str, *, base_url: str) -> FolderRef | None:
    """Return the folder that a pasted URL names; None when the URL is of another server. Does no I/O."""
    if not text.startswith(f"{base_url}/"):
        return None
    path = unquote(text.removeprefix(base_url).partition("?")[0].partition("#")[0])
    return FolderRef(source=NAME, folder_id=id_of(path), resource_key=path)


def id_of(path: str) -> str:
    """Return the ID of a path: short, and made of letters and digits only."""
    return sha256(path.encode()).hexdigest()[:32]


class HttpDirectorySource:
    """Folders and files of one server. The path of a folder ends in a slash; the resource key is the path."""

    name = NAME

    def __init__(self, base_url: str, *, connections: int = 16, page_size: int = 1000) -> None:
        self._base_url = base_url.rstrip("/")
        self._page_size = page_size
        self._client: HttpClient = Client(connections=connections, connect_timeout_s=10, user_agent="imageferry")

    async def resolve(self, folder_ref: FolderRef) -> Folder:
        """See Source."""
        path = _path_of(folder_ref.folder_id, folder_ref.resource_key, missing=Reason.FOLDER_NOT_FOUND)
        if not path.endswith("/"):
            message = "This is the link of a file, not of a folder. Paste the link of the folder that contains it."
            raise UsageError(Reason.NOT_A_FOLDER_URL, message)
        await self._get_listing(path)
        return _folder(path)

    async def list_page(self, folder: Folder, *, page_token: str | None = None) -> Page:
        """See Source. The server lists the whole folder; a token is the position in it and the listing's hash."""
        path = _path_of(folder.id, folder.resource_key, missing=Reason.FOLDER_NOT_FOUND)
        listing = await self._get_listing(path)
        fingerprint = sha256(listing).hexdigest()[:16]
        start_text, _, token_fingerprint = (page_token or f"0.{fingerprint}").partition(".")
        if token_fingerprint != fingerprint or not start_text.isdecimal():
            raise PageTokenError(Reason.REJECTED, "The folder has changed since its first page was listed.")
        try:
            entries = _decoder.decode(listing)
        except msgspec.DecodeError as exc:
            raise TransientError(Reason.UNEXPECTED_PAGE, f"The server sent an invalid listing of {path}.") from exc
        end = int(start_text) + self._page_size
        page = entries[int(start_text) : end]
        return Page(
            files=tuple(_file(path + entry.name, entry.mtime, entry.size) for entry in page if entry.type == "file"),
            folders=tuple(_folder(f"{path}{entry.name}/") for entry in page if entry.type == "directory"),
            next_page_token=f"{end}.{fingerprint}" if end < len(entries) else None,
        )

    async def stat(self, file_id: str, *, resource_key: str | None = None) -> File | Folder:
        """See Source."""
        path = _path_of(file_id, resource_key, missing=Reason.GONE)
        request = Request(url=self._url(path), method="HEAD", headers=_IDENTITY, timeout_s=TIMEOUT_S)
        response = await self._send(request, missing=Reason.GONE)
        response.close()
        if path.endswith("/"):
            return _folder(path)
        size = response.header("Content-Length")
        return _file(path, response.header("Last-Modified") or "", int(size) if size else None)

    async def read(self, file: File) -> Content:
        """See Source."""
        content = b"".join([chunk async for chunk in self.stream(file)])
        if file.size_bytes not in {None, len(content)}:
            raise TransientError(Reason.CORRUPT, f"{file.name} has {file.size_bytes} bytes, {len(content)} came.")
        return content

    async def stream(self, file: File, *, offset_bytes: int = 0) -> AsyncGenerator[Content, None]:
        """See Source."""
        path = _path_of(file.id, file.resource_key, missing=Reason.GONE)
        headers = _IDENTITY | ({"Range": f"bytes={offset_bytes}-"} if offset_bytes else {})
        request = Request(
            url=self._url(path),
            headers=headers,
            prefetch_bytes=CHUNK_BYTES,
            prefetch_timeout_s=TIMEOUT_S,
            stall_s=TIMEOUT_S,
        )
        response = await self._send(request, missing=Reason.GONE)
        skip = offset_bytes if response.status != 206 else 0  # the server may ignore Range
        position = offset_bytes - skip
        try:
            while chunk := await response.read(CHUNK_BYTES):
                position += len(chunk)
                if file.size_bytes is not None and position > file.size_bytes:
                    raise TransientError(Reason.CORRUPT, f"{file.name} is larger than listed.")
                chunk, skip = chunk[skip:], max(skip - len(chunk), 0)
                if chunk:
                    yield chunk
        except HttpError as exc:
            raise _to_error(exc) from exc
        finally:
            response.close()

    async def close(self) -> None:
        """See Source."""
        await self._client.close()

    def _url(self, path: str) -> str:
        return self._base_url + quote(path)

    async def _get_listing(self, path: str) -> bytes:
        request = Request(url=self._url(path), timeout_s=TIMEOUT_S)
        response = await self._send(request, missing=Reason.FOLDER_NOT_FOUND)
        try:
            body = await response.read(LISTING_BYTES_MAX + 1)
        except HttpError as exc:
            raise _to_error(exc) from exc
        finally:
            response.close()
        if len(body) > LISTING_BYTES_MAX:
            raise PermanentError(Reason.REJECTED, f"The listing of {path} is too large.")
        return bytes(body)

    async def _send(self, request: Request, *, missing: Reason) -> HttpResponse:
        """Return a response with a success status. `missing`: the reason of a 404."""
        try:
            response = await self._client.send(request)
        except HttpError as exc:
            raise _to_error(exc) from exc
        if response.status in {200, 206}:
            return response
        response.close()
        raise _error_of(response, url=request.url, missing=missing)


_IDENTITY = {"Accept-Encoding": "identity"}  # so that Content-Length is the size of the file


def _path_of(entry_id: str, resource_key: str | None, *, missing: Reason) -> str:
    if resource_key is None or id_of(resource_key) != entry_id:
        raise NotFoundError(missing, "The server has no such folder or file.")
    return resource_key


def _folder(path: str) -> Folder:
    return Folder(id=id_of(path), name=path.rstrip("/").rpartition("/")[2], resource_key=_key(path))


def _file(path: str, mtime: str, size_bytes: int | None) -> File:
    return File(
        id=id_of(path),
        name=path.rpartition("/")[2],
        size_bytes=size_bytes,
        version=f"{mtime}|{size_bytes}" if mtime else None,
        modified_at=_time(mtime),
        resource_key=_key(path),
    )


def _key(path: str) -> str | None:
    return path if len(path) <= PATH_LENGTH_MAX else None  # without a key, the file or folder fails as missing


def _time(mtime: str) -> datetime | None:
    try:
        return parsedate_to_datetime(mtime).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return None


def _to_error(exc: HttpError) -> TransientError:
    if isinstance(exc, ConnectError):
        return UnreachableError(Reason.SOURCE_UNAVAILABLE, f"The server can't be reached: {exc}.")
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"The server didn't send all of its response: {exc}.")


def _error_of(response: HttpResponse, *, url: str, missing: Reason) -> ImageferryError:
    match response.status:
        case 404 | 410:
            return NotFoundError(missing, f"{url} does not exist.")
        case 401:
            return BlockedError(Reason.CREDENTIALS_REJECTED, "The server requires a password.")
        case 403:
            return PermanentError(Reason.FORBIDDEN, f"The server denied access to {url}.")
        case 429 | 503:
            retry_after = response.header("Retry-After") or ""
            retry_after_s = float(retry_after) if retry_after.isdecimal() else None
            return ThrottledError(Reason.RATE_LIMITED, "The server is overloaded.", retry_after_s=retry_after_s)
        case status if status >= 500:
            return TransientError(Reason.SOURCE_UNAVAILABLE, f"The server answered with status {status}.")
        case status:  # redirects among them: the client never follows one
            return PermanentError(Reason.REJECTED, f"The server answered with status {status}.")
