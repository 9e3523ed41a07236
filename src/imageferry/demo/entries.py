"""Drive's entries: folders, files and shortcuts, as one kind of record."""

import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from imageferry.demo.file_content import FileContent
from imageferry.model import FOLDER_MIME_TYPE

SHORTCUT_MIME_TYPE = "application/vnd.google-apps.shortcut"
DOCUMENT_MIME_TYPE = "application/vnd.google-apps.document"

DEFAULT_TIME = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)  # the default creation and modification time

# Types that the standard library lacks on some machines, or names differently from Drive.
_MIME_TYPES = {".avif": "image/avif", ".heic": "image/heif", ".webp": "image/webp"}
_UNKNOWN_MIME_TYPE = "application/octet-stream"


class Sharing(StrEnum):
    """Who may access a node."""

    LINK = "link"  # anyone with its ID
    ACCOUNT = "account"  # only accounts with an access token
    NOBODY = "nobody"  # only its owner, who never calls


class Target(Struct, frozen=True, kw_only=True):
    """The target of a shortcut."""

    id: str
    mime_type: str
    resource_key: str | None = None


class Node(Struct, frozen=True, kw_only=True):
    """A folder, a file or a shortcut. A change creates another Node with the same ID."""

    id: str
    name: str
    mime_type: str
    parents: tuple[str, ...] = ()
    content: FileContent | None = None  # None: no bytes (folders, shortcuts, Google documents)
    created_at: datetime = DEFAULT_TIME  # UTC, as `modified_at`
    modified_at: datetime = DEFAULT_TIME
    image_metadata: Mapping[str, object] | None = None  # imageMediaMetadata; None: read from the content
    claimed_md5: str | None = None  # listed instead of the content's own
    sharing: Sharing = Sharing.LINK
    resource_key: str | None = None
    needs_resource_key: bool = False  # without it the node is not found
    trashed: bool = False
    downloadable: bool = True
    target: Target | None = None  # of a shortcut
    drive_id: str | None = None  # of the shared drive that contains it
    version: int = 1  # incremented by every change

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.mime_type == FOLDER_MIME_TYPE

    @property
    def is_native(self) -> bool:
        """True for a Google document, which has no bytes."""
        return self.content is None and self.target is None and not self.is_folder


def mime_type_of(name: str) -> str:
    """Return the type that Drive assigns to a file of this name."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _MIME_TYPES.get(suffix) or mimetypes.types_map.get(suffix) or _UNKNOWN_MIME_TYPE
