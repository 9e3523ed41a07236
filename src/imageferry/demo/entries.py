"""What Drive keeps: folders, files and shortcuts are all one kind of record."""

import mimetypes
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from imageferry.demo.file_content import Content
from imageferry.model import FOLDER_MIME_TYPE

SHORTCUT_MIME_TYPE = "application/vnd.google-apps.shortcut"
DOCUMENT_MIME_TYPE = "application/vnd.google-apps.document"

LONG_AGO = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)  # whatever is not told otherwise was made then

# What the standard library does not know on every machine, or knows by another name than Drive.
_MIME_TYPES = {".avif": "image/avif", ".heic": "image/heif", ".webp": "image/webp"}
_UNKNOWN_MIME_TYPE = "application/octet-stream"


class Sharing(StrEnum):
    """Who may see a node."""

    LINK = "link"  # anyone who has its id
    ACCOUNT = "account"  # only the accounts that hold a token of ours
    NOBODY = "nobody"  # only its owner, who is none of our callers


class Target(Struct, frozen=True, kw_only=True):
    """Where a shortcut points."""

    id: str
    mime_type: str
    resource_key: str | None = None


class Node(Struct, frozen=True, kw_only=True):
    """A folder, a file or a shortcut, as it is now; a change makes another Node with the same id."""

    id: str
    name: str
    mime_type: str
    parents: tuple[str, ...] = ()
    content: Content | None = None  # None: no bytes, as in folders, shortcuts and native documents
    created_at: datetime = LONG_AGO  # in UTC, as is the next
    modified_at: datetime = LONG_AGO
    picture: Mapping[str, object] | None = None  # imageMediaMetadata; None: what the content tells
    claimed_md5: str | None = None  # told instead of the content's own
    sharing: Sharing = Sharing.LINK
    resource_key: str | None = None
    needs_resource_key: bool = False  # without it the node is a 404
    trashed: bool = False
    downloadable: bool = True
    target: Target | None = None  # of a shortcut
    drive_id: str | None = None  # of the shared drive that holds it
    version: int = 1  # counts the changes

    @property
    def is_folder(self) -> bool:
        """Whether it can hold others."""
        return self.mime_type == FOLDER_MIME_TYPE

    @property
    def is_native(self) -> bool:
        """Whether it is a Google document, which has no bytes."""
        return self.content is None and self.target is None and not self.is_folder


def mime_type_of(name: str) -> str:
    """What Drive would take a file of this name for."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _MIME_TYPES.get(suffix) or mimetypes.types_map.get(suffix) or _UNKNOWN_MIME_TYPE
