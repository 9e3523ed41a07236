"""The known sources: which one a URL belongs to, and how each is opened."""

from typing import TYPE_CHECKING

from imageferry.errors import Reason, UsageError
from imageferry.model import FolderRef
from imageferry.sources.base import Source
from imageferry.sources.google_drive import urls as google_drive
from imageferry.sources.google_drive.api_source import GoogleDriveSource
from imageferry.sources.google_drive.config import GoogleDriveConfig
from imageferry.sources.google_drive.credentials import credentials_from

if TYPE_CHECKING:
    from imageferry.sources.google_drive.public_source import PublicFolderSource

PASTED_LENGTH_MAX = 2048


def parse_folder_url(text: str) -> FolderRef:
    """Return the folder that a pasted URL or ID names, at whichever source it belongs to. Does no I/O.

    Raises UsageError(NOT_A_FOLDER_URL), whose message says what is wrong and what to paste instead.
    """
    if len(text) > PASTED_LENGTH_MAX:
        raise UsageError(Reason.NOT_A_FOLDER_URL, "The link is too long. Paste only the folder's link.")
    folder_ref = google_drive.parse_url(text)
    if folder_ref is None:
        raise UsageError(
            Reason.NOT_A_FOLDER_URL,
            "This is not a link to a Google Drive folder. Open the folder in Google Drive and copy its link: "
            "https://drive.google.com/drive/folders/...",
        )
    return folder_ref


def folder_url(source: str, folder_id: str, *, resource_key: str | None = None) -> str | None:
    """Return the URL of a folder's page at its source, or None where the source has no pages. Does no I/O."""
    return google_drive.folder_url(folder_id, resource_key=resource_key) if source == google_drive.NAME else None


def file_url(source: str, file_id: str, *, resource_key: str | None = None) -> str | None:
    """Return the URL of a file's page at its source, or None where the source has no pages. Does no I/O."""
    return google_drive.file_url(file_id, resource_key=resource_key) if source == google_drive.NAME else None


def open_sources(*, google_drive_config: GoogleDriveConfig) -> dict[str, Source]:
    """Return every source by name, without wrappers. Does no I/O."""
    return {google_drive.NAME: open_google_drive(google_drive_config)}


def open_google_drive(config: GoogleDriveConfig) -> "GoogleDriveSource | PublicFolderSource":
    """Return Google Drive through its API when credentials are configured, else through its public pages."""
    credentials = credentials_from(config)
    if credentials is None:
        from imageferry.sources.google_drive.public_source import PublicFolderSource  # noqa: PLC0415 - slow to import

        return PublicFolderSource(config)
    return GoogleDriveSource(config, credentials=credentials)
