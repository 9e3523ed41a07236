"""Store URLs: normalisation of STORE_URL, and the full URL of an object."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from imageferry.errors import FatalError, Reason

_REMOTE = {"s3": "s3", "s3a": "s3", "gs": "gs", "az": "az", "azure": "az", "abfs": "az", "abfss": "az"}


def normal_url(text: str) -> str:
    """Return a store's URL in its normal form: one spelling, no trailing slash, no secrets.

    A plain path becomes a `file://` URL. Raises FatalError unless the text is a path or a URL of
    `file://`, `memory://`, `s3://`, `gs://` or `az://`.
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
            "STORE_URL is not a valid storage URL. Use s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, "
            "file:///folder or the path of a folder. Set keys and passwords in their own variables."
        )
        raise FatalError(Reason.MISCONFIGURED, message)
    return f"{_REMOTE[url.scheme]}://{url.hostname}{url.path.rstrip('/')}"


def folder_url(folder: Path) -> str:
    """Return the `file://` URL of a local folder."""
    return folder.expanduser().resolve().as_uri()


def object_url(store: str, key: str) -> str:
    """Return the full URL of an object, as in the `storage_path` of an image."""
    return f"{store.rstrip('/')}/{key}"
