"""Decoding of the API's responses into files, folders and shortcuts."""

from datetime import UTC, datetime

import msgspec

from imageferry.errors import Reason, TransientError
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, Page, Shortcut
from imageferry.sources.google_drive.image_metadata import parse_media

FILE_FIELDS = (
    "id,name,mimeType,size,md5Checksum,modifiedTime,resourceKey,capabilities/canDownload,"
    "shortcutDetails,imageMediaMetadata"
)
# Without nextPageToken in the mask, Drive silently omits every page after the first.
FILE_LIST_FIELDS = f"nextPageToken,incompleteSearch,files({FILE_FIELDS})"


class ShortcutDetails(msgspec.Struct, rename="camel", gc=False):
    """The target of a shortcut."""

    target_id: str
    target_mime_type: str = ""
    target_resource_key: str | None = None


class Capabilities(msgspec.Struct, rename="camel", gc=False):
    """What the caller may do with a file."""

    can_download: bool = True


class DriveFile(msgspec.Struct, rename="camel", gc=False):
    """Drive's `File` resource: a file, folder or shortcut."""

    id: str
    name: str = ""
    mime_type: str = "application/octet-stream"
    size: int | None = None  # a string on the wire; absent on folders, shortcuts and native documents
    md5_checksum: str | None = None
    modified_time: str | None = None
    resource_key: str | None = None
    trashed: bool = False
    capabilities: Capabilities | None = None
    shortcut_details: ShortcutDetails | None = None
    image_media_metadata: msgspec.Raw = msgspec.Raw()  # decoded separately: an invalid one must not fail the page


class FileList(msgspec.Struct, rename="camel", gc=False):
    """One page of `files.list`."""

    files: list[DriveFile]  # present even when empty; an error sent with status 200 has no `files`
    next_page_token: str | None = None
    incomplete_search: bool = False


_file_list_decoder = msgspec.json.Decoder(FileList, strict=False)
_file_decoder = msgspec.json.Decoder(DriveFile, strict=False)


def parse_page(body: bytes) -> Page:
    """Decode a response of `files.list`. Raises TransientError when it is something else."""
    try:
        file_list = _file_list_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _unexpected_body(exc) from exc
    files: list[File] = []
    folders: list[Folder] = []
    shortcuts: list[Shortcut] = []
    for entry in file_list.files:
        if entry.mime_type == FOLDER_MIME_TYPE:
            folders.append(to_folder(entry))
        elif entry.shortcut_details is not None:
            shortcuts.append(_to_shortcut(entry, entry.shortcut_details))
        else:
            files.append(to_file(entry))
    return Page(
        files=tuple(files),
        folders=tuple(folders),
        shortcuts=tuple(shortcuts),
        next_page_token=file_list.next_page_token or None,
        is_complete=not file_list.incomplete_search,
    )


def parse_drive_file(body: bytes) -> DriveFile:
    """Decode a response of `files.get`. Raises TransientError when it is something else."""
    try:
        return _file_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _unexpected_body(exc) from exc


def to_file(entry: DriveFile) -> File:
    """Convert a file, including Google's own document types."""
    raw_media = entry.image_media_metadata
    return File(
        id=entry.id,
        name=entry.name,
        mime_type=entry.mime_type,
        size_bytes=entry.size,
        md5=entry.md5_checksum,
        version=entry.md5_checksum or _version(entry),
        modified_at=_parse_time(entry.modified_time),
        resource_key=entry.resource_key,
        downloadable=entry.capabilities is None or entry.capabilities.can_download,
        media=parse_media(raw_media) if raw_media else None,
    )


def to_folder(entry: DriveFile) -> Folder:
    """Convert a folder."""
    return Folder(id=entry.id, name=entry.name, resource_key=entry.resource_key)


def _to_shortcut(entry: DriveFile, details: ShortcutDetails) -> Shortcut:
    return Shortcut(
        id=entry.id,
        name=entry.name,
        target_id=details.target_id,
        target_mime_type=details.target_mime_type,
        target_resource_key=details.target_resource_key,
    )


def _version(entry: DriveFile) -> str | None:
    return f"{entry.modified_time}|{entry.size}" if entry.modified_time else None


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).replace(tzinfo=None)


def _unexpected_body(exc: Exception) -> TransientError:
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google Drive sent an invalid response: {exc}")
