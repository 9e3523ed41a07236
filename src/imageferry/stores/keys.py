"""The layout of object keys."""

import unicodedata
from hashlib import md5
from pathlib import PurePosixPath

# Of the file name in the key, in bytes of UTF-8. File systems allow 255 for a whole path component.
NAME_BYTES_MAX = 160
SUFFIX_BYTES_MAX = 16
THUMBNAIL_WIDTHS = (256, 512, 1024, 2048)  # pixels; a thumbnail may be narrower
_THUMBNAILS = ".thumbnails"
# Forbidden or special on some file system, in a URL, or in obstore's own paths (`#1` marks a staged file).
_UNSAFE = frozenset('/\\:*?"<>|%#~^`{}[]&$;=@\x7f')


def object_key(*, folder_id: str, file_id: str, name: str, folds_case: bool = False) -> str:
    """Return `{folder_id}/{file_id}_{safe name}`, relative to the store's URL.

    Unique per file ID, for any name. With `folds_case` (a case-insensitive disk, as of macOS or Windows) eight
    hexadecimal digits of a hash follow the ID, so that IDs which differ only in case are different objects.
    """
    folder, file = _safe(folder_id), _safe(file_id)
    if folds_case:
        file = f"{file}-{md5(file_id.encode(), usedforsecurity=False).hexdigest()[:8]}"
    return f"{folder}/{file}_{safe_name(name)}"


def thumbnail_key(object_key: str, *, width: int) -> str:
    """Return the key of a thumbnail; `width` is one of THUMBNAIL_WIDTHS. No image's key has this prefix."""
    return f"{_THUMBNAILS}/{object_key}.{width}.webp"


def thumbnail_keys(object_key: str) -> tuple[str, ...]:
    """Return the keys of all thumbnails that may exist of an image: to be deleted with it."""
    return tuple(thumbnail_key(object_key, width=width) for width in THUMBNAIL_WIDTHS)


def safe_name(name: str) -> str:
    """Return a file name that every store accepts: at most NAME_BYTES_MAX bytes, with its extension.

    Letters of any script are kept. Separators, control and formatting characters become `_`.
    """
    safe = _safe(unicodedata.normalize("NFC", name)).strip(" .")
    if len(safe.encode()) <= NAME_BYTES_MAX:
        return safe or "_"
    suffix = PurePosixPath(safe).suffix
    if len(suffix.encode()) > SUFFIX_BYTES_MAX:
        suffix = ""
    stem = safe.encode()[: NAME_BYTES_MAX - len(suffix.encode())].decode(errors="ignore")
    return f"{stem.rstrip(' .')}{suffix}"


def _safe(text: str) -> str:
    if text.isascii() and text.isprintable() and _UNSAFE.isdisjoint(text):
        return text
    # Category C: control, format (bidi marks), surrogate, private use. Spaces other than " ": line separators.
    return "".join(
        "_" if char in _UNSAFE or unicodedata.category(char)[0] == "C" or (char != " " and char.isspace()) else char
        for char in text
    )
