"""Drive's `File` resource of a node, field by field."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache

from imageferry.demo.drive.masks import EVERYTHING, Mask, includes, project
from imageferry.demo.entries import Node, Sharing
from imageferry.demo.file_content import Algorithm

Render = Callable[[Node], dict[str, object]]


def renderer(mask: Mask) -> Render:
    """Return a function that renders nodes with a mask. Create it once per page."""
    fields = [(name, read, mask.get(name, EVERYTHING)) for name, read in _FIELDS.items() if includes(mask, name)]

    def render(node: Node) -> dict[str, object]:
        rendered = {}
        for name, read, inner in fields:
            value = read(node)
            if value is not None:
                rendered[name] = project(value, inner) if inner else value
        return rendered

    return render


@lru_cache(maxsize=1024)
def timestamp(time: datetime) -> str:
    """Return a time in RFC 3339 with milliseconds, as Drive does."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _size(node: Node) -> str | None:
    # 64-bit numbers are strings in Google's JSON.
    return None if node.content is None else str(node.content.size_bytes)


def _digest(algorithm: Algorithm) -> Callable[[Node], object]:
    return lambda node: None if node.content is None else node.content.digest(algorithm)


def _md5(node: Node) -> str | None:
    return node.claimed_md5 or (None if node.content is None else node.content.digest("md5"))


def _image_metadata(node: Node) -> Mapping[str, object] | None:
    if node.image_metadata is not None or node.content is None or not node.mime_type.startswith("image/"):
        return node.image_metadata
    return node.content.image_metadata


def _shortcut(node: Node) -> dict[str, object] | None:
    if node.target is None:
        return None
    details: dict[str, object] = {"targetId": node.target.id, "targetMimeType": node.target.mime_type}
    return details | ({"targetResourceKey": node.target.resource_key} if node.target.resource_key else {})


def _extension(node: Node) -> str | None:
    return None if node.content is None else node.name.rpartition(".")[2]


def _view_link(node: Node) -> str:
    if node.is_folder:
        return f"https://drive.google.com/drive/folders/{node.id}"
    return f"https://drive.google.com/file/d/{node.id}/view?usp=drivesdk"


def _content_link(node: Node) -> str | None:
    return None if node.content is None else f"https://drive.google.com/uc?id={node.id}&export=download"


def _capabilities(node: Node) -> dict[str, object]:
    return {
        "canCopy": node.downloadable,
        "canDownload": node.downloadable and not node.is_native,
        "canEdit": False,
        "canListChildren": node.is_folder,
        "canReadRevisions": False,
    }


_FIELDS: Mapping[str, Callable[[Node], object]] = {
    "kind": lambda _: "drive#file",
    "id": lambda node: node.id,
    "name": lambda node: node.name,
    "mimeType": lambda node: node.mime_type,
    "size": _size,
    "md5Checksum": _md5,
    "sha1Checksum": _digest("sha1"),
    "sha256Checksum": _digest("sha256"),
    "createdTime": lambda node: timestamp(node.created_at),
    "modifiedTime": lambda node: timestamp(node.modified_at),
    "parents": lambda node: list(node.parents) or None,
    "resourceKey": lambda node: node.resource_key,
    "shortcutDetails": _shortcut,
    "imageMediaMetadata": _image_metadata,
    "capabilities": _capabilities,
    "trashed": lambda node: node.trashed,
    "explicitlyTrashed": lambda node: node.trashed,
    "starred": lambda _: False,
    "shared": lambda node: node.sharing is not Sharing.NOBODY,
    "ownedByMe": lambda _: False,
    "driveId": lambda node: node.drive_id,
    "version": lambda node: str(node.version),
    "originalFilename": lambda node: None if node.content is None else node.name,
    "fullFileExtension": _extension,
    "fileExtension": _extension,
    "quotaBytesUsed": lambda node: _size(node) or "0",
    "headRevisionId": lambda node: None if node.content is None else f"{node.id}-{node.version}",
    "spaces": lambda _: ["drive"],
    "webViewLink": _view_link,
    "webContentLink": _content_link,
}
