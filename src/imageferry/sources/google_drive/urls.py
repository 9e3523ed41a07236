"""URLs of Drive folders: parsing what people paste, and building links for browsers."""

import re
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from imageferry.errors import Reason, UsageError
from imageferry.model import FolderRef
from imageferry.sources.google_drive.config import WEB_ENDPOINT

NAME = "google_drive"

# 33 characters starting with "1", 28 starting with "0B", 19 for a shared drive. Shorter ones are unknown.
_ID = re.compile(r"[A-Za-z0-9_-]{15,128}")
# A placeholder, such as YOUR_GOOGLE_DRIVE_FOLDER_ID or your-folder-id-12345: IDs have digits and letters of both cases.
_NOT_RANDOM = re.compile(r"[^0-9]*|[^a-z]*|[^A-Z]*")
_RESOURCE_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")

_HOSTS = frozenset({"drive.google.com", "docs.google.com"})
_FOLDER_PAGES = frozenset({"open", "folderview", "embeddedfolderview"})
_FILE_PAGES = frozenset({"uc", "thumbnail", "download"})

_WRAPPERS = " \t\r\n\f\v\u00a0\u200b\ufeff\"'`<>()[]\u2018\u2019\u201c\u201d\u00ab\u00bb"
_HINT = "Open the folder in Google Drive and copy its link: https://drive.google.com/drive/folders/..."


def parse_url(text: str) -> FolderRef | None:
    """Return the folder that a pasted URL or bare ID names; None when it is not Google Drive's. Does no I/O.

    Raises UsageError for a Drive link that is not a folder's.
    """
    pasted = text.strip(_WRAPPERS)
    if _ID.fullmatch(pasted):
        if _NOT_RANDOM.fullmatch(pasted):
            raise UsageError(Reason.NOT_A_FOLDER_URL, f"{pasted} is a placeholder, not a folder. {_HINT}")
        return FolderRef(source=NAME, folder_id=pasted)
    url = _split(pasted)
    if url is None or url.hostname not in _HOSTS:
        return None
    path, query = url.path, parse_qs(url.query)
    if url.fragment.startswith("folders/"):  # old links: /drive/#folders/ID?resourcekey=KEY
        path, _, fragment_query = url.fragment.partition("?")
        query |= parse_qs(fragment_query)
    segments = [segment for segment in path.split("/") if segment]
    folder_id = _folder_id(segments, query=query)
    if folder_id is None:
        raise UsageError(Reason.NOT_A_FOLDER_URL, _error_message(segments))
    return FolderRef(source=NAME, folder_id=folder_id, resource_key=_resource_key(query))


def folder_url(folder_id: str, *, resource_key: str | None = None) -> str:
    """Return the URL of a folder's page, built from its ID."""
    key = f"?resourcekey={quote(resource_key)}" if resource_key else ""
    return f"{WEB_ENDPOINT}/drive/folders/{quote(folder_id, safe='')}{key}"


def file_url(file_id: str, *, resource_key: str | None = None) -> str:
    """Return the URL of a file's page, built from its ID."""
    key = f"?resourcekey={quote(resource_key)}" if resource_key else ""
    return f"{WEB_ENDPOINT}/file/d/{quote(file_id, safe='')}/view{key}"


def _split(pasted: str) -> SplitResult | None:
    with_scheme = pasted if "://" in pasted else f"https://{pasted}"
    try:
        url = urlsplit(with_scheme)
    except ValueError:  # an unmatched bracket
        return None
    return url if url.scheme in {"http", "https"} else None


def _folder_id(segments: list[str], *, query: dict[str, list[str]]) -> str | None:
    candidates: list[str] = []
    if "folders" in segments:
        candidates = segments[segments.index("folders") + 1 :]
    elif segments and segments[-1] in _FOLDER_PAGES:
        candidates = query.get("id", [])
    folder_id = candidates[0] if candidates else ""
    return folder_id if _ID.fullmatch(folder_id) and not _NOT_RANDOM.fullmatch(folder_id) else None


def _resource_key(query: dict[str, list[str]]) -> str | None:
    for name, values in query.items():
        if name.lower() == "resourcekey" and _RESOURCE_KEY.fullmatch(values[0]):
            return values[0]
    return None


def _error_message(segments: list[str]) -> str:
    if "d" in segments or (segments and segments[-1] in _FILE_PAGES):
        return f"This is the link of a file, not of a folder. {_HINT}"
    if "folders" in segments or (segments and segments[-1] in _FOLDER_PAGES):
        return f"The folder's ID is missing from this link, or incomplete. {_HINT}"
    return f"This Google Drive link doesn't lead to a folder. {_HINT}"
