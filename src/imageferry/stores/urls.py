"""Store URLs: normalisation of STORE_URL, its parts, and the full URL of an object."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

from imageferry.errors import FatalError, Reason

_REMOTE = {"s3": "s3", "s3a": "s3", "gs": "gs", "az": "az", "azure": "az", "abfs": "az", "abfss": "az"}
# Upper-case letters and underscores are in names of old buckets; `$web` and `$root` are containers of Azure's.
_BUCKET = re.compile(r"\$?[A-Za-z0-9][A-Za-z0-9._-]*")
# `s3:/bucket` and the like are not meant as the path of a folder.
_LIKE_A_URL = re.compile(r"\s*(s3a?|gs|az|azure|abfss?|file|memory|https?):", re.IGNORECASE)


def normal_url(text: str) -> str:
    """Return a store's URL in its normal form: one spelling, no trailing slash, no secrets.

    A plain path becomes a `file://` URL. The bucket and the prefix are taken as they are written. Raises FatalError
    unless the text is a path or a URL of `file://`, `memory://`, `s3://`, `gs://` or `az://`.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator and text.strip() and not _LIKE_A_URL.match(text):
        return folder_url(Path(text))
    if scheme == "file":
        return _normal_file_url(rest)
    if scheme == "memory" and not rest.strip("/"):
        return "memory://"
    if scheme not in _REMOTE or "@" in rest.partition("/")[0]:
        raise _invalid("is not a valid storage URL", "Set keys and passwords in their own variables.")
    return f"{_REMOTE[scheme]}://{_bucket_and_prefix(rest)}"


def folder_url(folder: Path) -> str:
    """Return the `file://` URL of a local folder."""
    try:
        return folder.expanduser().resolve().as_uri()
    except (OSError, RuntimeError, ValueError) as exc:  # no such user, a circle of links, a NUL character
        raise _invalid("is not the path of a folder") from exc


def local_folder(url: str) -> Path:
    """Return the folder of a `file://` URL."""
    return Path(os.fsdecode(unquote_to_bytes(url.removeprefix("file://"))))


def bucket_and_prefix(url: str) -> tuple[str, str | None]:
    """Return the bucket (or container) and the prefix, if any, of a remote store's normal URL."""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    return bucket, prefix or None


def object_url(store: str, key: str) -> str:
    """Return the full URL of an object, as in the `storage_path` of an image."""
    return f"{store.rstrip('/')}/{key}"


def _normal_file_url(rest: str) -> str:
    host, _, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise _invalid("names a host where a folder is expected", "A folder's URL has three slashes: file:///folder.")
    if "#" in path or "?" in path:
        raise _invalid(
            "contains # or ?", "Write them as %23 and %3F after file://, or set the plain path of the folder."
        )
    return folder_url(local_folder(f"/{path}"))


def _bucket_and_prefix(rest: str) -> str:
    if not rest.isprintable() or any(character in rest for character in "#?%\\"):
        raise _invalid(
            "contains a character that no bucket or prefix can have here: # ? % \\ or an invisible one",
            "Write spaces and letters of any script as they are, and leave out everything from ? or # on.",
        )
    bucket, *parts = rest.split("/")
    if not _BUCKET.fullmatch(bucket):
        raise _invalid("has no valid bucket or container name", "Names consist of letters, digits, dots and hyphens.")
    parts = [part for part in parts if part]
    if {".", ".."}.intersection(parts):
        raise _invalid("contains . or .. as a folder", "Write the prefix without them.")
    return "/".join((bucket, *parts))


def _invalid(problem: str, advice: str = "") -> FatalError:
    """Return the error of an invalid STORE_URL, which is not quoted: it may contain a password."""
    forms = "Use s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, file:///folder or the path of a folder."
    return FatalError(Reason.MISCONFIGURED, f"STORE_URL {problem}. {forms} {advice}".rstrip())
