"""Decoding of the API's responses into files, folders and shortcuts."""

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from imageferry.errors import PermanentError, Reason, TransientError
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, Page, Shortcut, UnreadableEntry
from imageferry.sources.google_drive.entry_splitting import find_text, repair, split_entries
from imageferry.sources.google_drive.image_metadata import parse_media

FILE_FIELDS = (
    "id,name,mimeType,size,md5Checksum,modifiedTime,resourceKey,capabilities/canDownload,"
    "shortcutDetails,imageMediaMetadata"
)
# Without nextPageToken in the mask, Drive silently omits every page after the first.
FILE_LIST_FIELDS = f"nextPageToken,incompleteSearch,files({FILE_FIELDS})"

SHORTCUT_MIME_TYPE = "application/vnd.google-apps.shortcut"

# What the catalog's columns hold.
_SizeBytes = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_ResourceKey = Annotated[str, Meta(max_length=255)]
_PageToken = Annotated[str, Meta(max_length=8192)]


class ShortcutDetails(msgspec.Struct, rename="camel", gc=False):
    """The target of a shortcut."""

    target_id: str | None = None
    target_mime_type: str | None = None
    target_resource_key: _ResourceKey | None = None


class Capabilities(msgspec.Struct, rename="camel", gc=False):
    """What the caller may do with a file."""

    can_download: bool | None = None


class DriveFile(msgspec.Struct, rename="camel", gc=False):
    """Drive's `File` resource: a file, folder or shortcut. A null is the same as a field that is missing."""

    id: str
    name: str | None = None
    mime_type: str | None = None
    size: _SizeBytes | None = None  # a string on the wire; absent on folders, shortcuts and native documents
    md5_checksum: str | None = None
    modified_time: str | None = None
    resource_key: _ResourceKey | None = None
    trashed: bool | None = None
    capabilities: Capabilities | None = None
    shortcut_details: ShortcutDetails | None = None
    image_media_metadata: msgspec.Raw = msgspec.Raw()  # decoded separately: an invalid one must not fail the page


class FileList(msgspec.Struct, rename="camel", gc=False):
    """One page of `files.list`."""

    files: list[msgspec.Raw]  # present even when empty; an error sent with status 200 has no `files`
    next_page_token: _PageToken | None = None
    incomplete_search: bool | None = None


_file_list_decoder = msgspec.json.Decoder(FileList, strict=False)
_file_decoder = msgspec.json.Decoder(DriveFile, strict=False)
# A lone surrogate is a DecodeError, invalid UTF-8 a UnicodeDecodeError; both are ValueErrors.
_UNDECODABLE = (ValueError, RecursionError)


def parse_page(body: bytes) -> Page:
    """Decode a response of `files.list`. Raises TransientError when it is something else.

    An entry that can't be decoded is among the page's `unreadable` ones.
    """
    file_list, entries = _decode_listing(body)
    files: list[File] = []
    folders: list[Folder] = []
    shortcuts: list[Shortcut] = []
    unreadable: list[UnreadableEntry] = []
    for raw in entries:
        try:
            entry = _decode_entry(raw)
        except _UNDECODABLE as exc:
            unreadable.append(_to_unreadable(bytes(raw), error=exc))
            continue
        if entry.mime_type == FOLDER_MIME_TYPE:
            folders.append(to_folder(entry))
        elif entry.mime_type == SHORTCUT_MIME_TYPE or entry.shortcut_details is not None:
            shortcuts.append(_to_shortcut(entry, entry.shortcut_details or ShortcutDetails()))
        else:
            files.append(to_file(entry))
    return Page(
        files=tuple(files),
        folders=tuple(folders),
        shortcuts=tuple(shortcuts),
        unreadable=tuple(unreadable),
        next_page_token=file_list.next_page_token or None,
        is_complete=not file_list.incomplete_search,
    )


def parse_drive_file(body: bytes) -> DriveFile:
    """Decode a response of `files.get`. Raises TransientError when it is something else.

    PermanentError: it is a file's, and invalid.
    """
    try:
        return _decode_entry(body)
    except _UNDECODABLE as exc:
        if not find_text(body, b"id"):
            raise _unexpected_body(exc) from exc
        raise PermanentError(Reason.INVALID_ENTRY, _to_unreadable(body, error=exc).detail) from exc


def to_file(entry: DriveFile) -> File:
    """Convert a file, including Google's own document types."""
    raw_media = entry.image_media_metadata
    md5 = entry.md5_checksum if entry.md5_checksum and _MD5.fullmatch(entry.md5_checksum) else None
    return File(
        id=entry.id,
        name=entry.name or "",
        mime_type=_mime_type(entry.mime_type),
        size_bytes=entry.size,
        md5=md5,
        version=md5 or _version(entry),
        modified_at=_parse_time(entry.modified_time),
        resource_key=entry.resource_key,
        downloadable=entry.capabilities is None or entry.capabilities.can_download is not False,
        media=parse_media(raw_media) if raw_media else None,
    )


def to_folder(entry: DriveFile) -> Folder:
    """Convert a folder."""
    return Folder(id=entry.id, name=entry.name or "", resource_key=entry.resource_key)


_MD5 = re.compile(r"[0-9a-f]{32}")
_MIME_TYPE = re.compile(r"[\w.+-]{1,127}/[\w.+-]{1,127}", re.ASCII)
_VERSION_LENGTH_MAX = 255


def _mime_type(text: str | None) -> str:
    return text if text and _MIME_TYPE.fullmatch(text) else "application/octet-stream"


def _decode_listing(body: bytes) -> tuple[FileList, list[bytes | msgspec.Raw]]:
    """Return a page and its entries. Where one of them isn't JSON at all, they are split without decoding them."""
    try:
        file_list = _file_list_decoder.decode(body)
    except _UNDECODABLE as exc:
        rest, entries = split_entries(body)
        try:
            file_list = _file_list_decoder.decode(rest)
        except _UNDECODABLE:
            raise _unexpected_body(exc) from exc
        places = [bytes(raw) for raw in file_list.files]
        return file_list, [entries[int(place[1:-1])] if place.startswith(b"[") else place for place in places]
    return file_list, [*file_list.files]


def _decode_entry(raw: bytes | msgspec.Raw) -> DriveFile:
    try:
        return _file_decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except ValueError:
        return _file_decoder.decode(repair(bytes(raw)))


def _to_shortcut(entry: DriveFile, details: ShortcutDetails) -> Shortcut:
    return Shortcut(
        id=entry.id,
        name=entry.name or "",
        target_id=details.target_id,
        target_mime_type=_mime_type(details.target_mime_type),
        target_resource_key=details.target_resource_key,
    )


def _to_unreadable(raw: bytes, *, error: Exception) -> UnreadableEntry:
    return UnreadableEntry(
        id=find_text(raw, b"id") or raw.decode(errors="replace"),
        name=find_text(raw, b"name"),
        detail=f"Google Drive's description of it is invalid: {error}.",
    )


def _version(entry: DriveFile) -> str | None:
    return f"{entry.modified_time}|{entry.size}"[:_VERSION_LENGTH_MAX] if entry.modified_time else None


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo is UTC else time.astimezone(UTC)).replace(tzinfo=None)
    except (ValueError, OverflowError):  # in UTC it may be after the year 9999
        return None


def _unexpected_body(exc: Exception) -> TransientError:
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google Drive sent an invalid response: {exc}")
