"""The sources by name: which one a pasted text belongs to, and how each is opened."""

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


def recognise(text: str) -> FolderRef:
    """The folder that a pasted text names, at whichever source it belongs to; nothing is fetched.

    Raises UsageError(NOT_A_FOLDER_URL) with a sentence that says what is wrong and how to mend it.
    """
    if len(text) > PASTED_LENGTH_MAX:
        raise UsageError(Reason.NOT_A_FOLDER_URL, "This is too long for a link. Paste the folder's link alone.")
    locator = google_drive.read_url(text)
    if locator is None:
        raise UsageError(
            Reason.NOT_A_FOLDER_URL,
            "This is not a Google Drive folder's link. Open the folder in Google Drive and copy its link: "
            "https://drive.google.com/drive/folders/...",
        )
    return locator


def folder_url(source: str, folder_id: str, *, resource_key: str | None = None) -> str | None:
    """A folder's page at its source, for a browser; None where the source has none. Nothing is fetched."""
    return google_drive.folder_url(folder_id, resource_key=resource_key) if source == google_drive.NAME else None


def file_url(source: str, file_id: str, *, resource_key: str | None = None) -> str | None:
    """A file's page at its source, for a browser; None where the source has none. Nothing is fetched."""
    return google_drive.file_url(file_id, resource_key=resource_key) if source == google_drive.NAME else None


def open_sources(*, google_drive_config: GoogleDriveConfig) -> dict[str, Source]:
    """Every source by its name, bare of wrappers and without any I/O yet."""
    return {google_drive.NAME: open_google_drive(google_drive_config)}


def open_google_drive(config: GoogleDriveConfig) -> "GoogleDriveSource | PublicFolderSource":
    """Google Drive over its API where there are credentials, else over its public pages."""
    credentials = credentials_from(config)
    if credentials is None:
        from imageferry.sources.google_drive.public_source import PublicFolderSource  # noqa: PLC0415 - long to import

        return PublicFolderSource(config)
    return GoogleDriveSource(config, credentials=credentials)
