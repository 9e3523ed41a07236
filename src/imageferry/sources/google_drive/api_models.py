"""Drive's answers about files and folders, decoded and turned into the flow's own values."""

from datetime import UTC, datetime

import msgspec

from imageferry.errors import Reason, TransientError
from imageferry.model import FOLDER_MIME_TYPE, File, Folder, Page, Shortcut
from imageferry.sources.google_drive.image_metadata import media_from

FILE_FIELDS = (
    "id,name,mimeType,size,md5Checksum,modifiedTime,resourceKey,capabilities/canDownload,"
    "shortcutDetails,imageMediaMetadata"
)
# Without nextPageToken in the mask Drive leaves out every page after the first, without a word.
LISTING_FIELDS = f"nextPageToken,incompleteSearch,files({FILE_FIELDS})"


class ShortcutDetails(msgspec.Struct, rename="camel", gc=False):
    """Where a shortcut leads."""

    target_id: str
    target_mime_type: str = ""
    target_resource_key: str | None = None


class Capabilities(msgspec.Struct, rename="camel", gc=False):
    """What whoever asks may do with a file."""

    can_download: bool = True


class DriveFile(msgspec.Struct, rename="camel", gc=False):
    """Anything that Drive lists: file, folder or shortcut."""

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
    image_media_metadata: msgspec.Raw = msgspec.Raw()  # decoded apart: an odd one must not fail the page


class Listing(msgspec.Struct, rename="camel", gc=False):
    """One page of `files.list`."""

    files: list[DriveFile]  # always there, even when empty: an error sent with status 200 has none
    next_page_token: str | None = None
    incomplete_search: bool = False


_listing_decoder = msgspec.json.Decoder(Listing, strict=False)
_file_decoder = msgspec.json.Decoder(DriveFile, strict=False)


def page_from(body: bytes) -> Page:
    """Raises TransientError when the body is no listing."""
    try:
        listing = _listing_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _nonsense(exc) from exc
    files: list[File] = []
    folders: list[Folder] = []
    shortcuts: list[Shortcut] = []
    for entry in listing.files:
        if entry.mime_type == FOLDER_MIME_TYPE:
            folders.append(folder_from(entry))
        elif entry.shortcut_details is not None:
            shortcuts.append(_shortcut_from(entry, entry.shortcut_details))
        else:
            files.append(file_from(entry))
    return Page(
        files=tuple(files),
        folders=tuple(folders),
        shortcuts=tuple(shortcuts),
        next_page_token=listing.next_page_token or None,
        complete=not listing.incomplete_search,
    )


def drive_file_from(body: bytes) -> DriveFile:
    """Raises TransientError when the body is not one file's."""
    try:
        return _file_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise _nonsense(exc) from exc


def file_from(entry: DriveFile) -> File:
    """A file as listed, native documents included."""
    raw_media = entry.image_media_metadata
    return File(
        id=entry.id,
        name=entry.name,
        mime_type=entry.mime_type,
        size_bytes=entry.size,
        md5=entry.md5_checksum,
        version=entry.md5_checksum or _version(entry),
        modified_at=_instant(entry.modified_time),
        resource_key=entry.resource_key,
        downloadable=entry.capabilities is None or entry.capabilities.can_download,
        media=media_from(raw_media) if raw_media else None,
    )


def folder_from(entry: DriveFile) -> Folder:
    """A folder as listed."""
    return Folder(id=entry.id, name=entry.name, resource_key=entry.resource_key)


def _shortcut_from(entry: DriveFile, details: ShortcutDetails) -> Shortcut:
    return Shortcut(
        id=entry.id,
        name=entry.name,
        target_id=details.target_id,
        target_mime_type=details.target_mime_type,
        target_resource_key=details.target_resource_key,
    )


def _version(entry: DriveFile) -> str | None:
    return f"{entry.modified_time}|{entry.size}" if entry.modified_time else None


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).replace(tzinfo=None)


def _nonsense(exc: Exception) -> TransientError:
    return TransientError(Reason.SOURCE_UNAVAILABLE, f"Google Drive answered with something that is no listing: {exc}")
