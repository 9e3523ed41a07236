"""Store URLs: what people write, and how an object is named in full."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from imageferry.errors import FatalError, Reason

_REMOTE = {"s3": "s3", "s3a": "s3", "gs": "gs", "az": "az", "azure": "az", "abfs": "az", "abfss": "az"}


def normal_url(text: str) -> str:
    """A store's URL as the catalog keeps it: one spelling, no trailing slash, nothing secret.

    A plain path is a folder of this machine. Raises FatalError when it is neither a path nor one of
    `file://`, `memory://`, `s3://`, `gs://`, `az://`.
    """
    if "://" not in text:
        return folder_url(Path(text))
    url = urlsplit(text)
    if url.scheme == "file":
        return folder_url(Path(unquote(url.path)))
    if url.scheme == "memory":
        return "memory://"
    if url.scheme not in _REMOTE or not url.hostname or url.username or url.query:
        message = (
            "STORE_URL is not a store's URL: write s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, "
            "file:///folder or a folder's path; keys and passwords have variables of their own."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    return f"{_REMOTE[url.scheme]}://{url.hostname}{url.path.rstrip('/')}"


def folder_url(folder: Path) -> str:
    """The URL of a folder of this machine."""
    return folder.expanduser().resolve().as_uri()


def object_url(store: str, key: str) -> str:
    """Where an object stands, in full; what a record's `storage_path` shows."""
    return f"{store.rstrip('/')}/{key}"
