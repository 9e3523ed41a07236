"""Object key layout."""

import unicodedata
from hashlib import md5
from pathlib import PurePosixPath

# Of the file's name in the key, in bytes of UTF-8: file systems end at 255 for a whole path component.
NAME_BYTES_MAX = 160
SUFFIX_BYTES_MAX = 16
THUMBNAIL_WIDTHS = (256, 512, 1024, 2048)  # pixels, at most
_THUMBNAILS = ".thumbnails"
# Forbidden or treacherous on some file system, in a URL, or in obstore's own paths (`#1` marks a staged file).
_UNSAFE = frozenset('/\\:*?"<>|%#~^`{}[]&$;=@\x7f')


def object_key(*, folder_id: str, file_id: str, name: str, folds_case: bool = False) -> str:
    """`{folder_id}/{file_id}_{safe name}`, relative to the store's URL.

    Unique by the file's ID, whatever the name holds. Where the store `folds_case` (a disk of macOS or
    Windows), the case of the ID's letters is told once more in eight hexadecimal digits, so that two IDs
    that differ by case alone are two objects.
    """
    folder, file = _safe(folder_id), _safe(file_id)
    if folds_case:
        file = f"{file}-{md5(file_id.encode(), usedforsecurity=False).hexdigest()[:8]}"
    return f"{folder}/{file}_{safe_name(name)}"


def thumbnail_key(object_key: str, *, width: int) -> str:
    """Where an image's thumbnail of one of `THUMBNAIL_WIDTHS` stands; no image's key begins like this."""
    return f"{_THUMBNAILS}/{object_key}.{width}.webp"


def thumbnail_keys(object_key: str) -> tuple[str, ...]:
    """Where an image's thumbnails stand, if they were ever made: what goes when the image goes."""
    return tuple(thumbnail_key(object_key, width=width) for width in THUMBNAIL_WIDTHS)


def safe_name(name: str) -> str:
    """A file name that every store takes: at most `NAME_BYTES_MAX` bytes, its extension kept.

    Letters of any script stay; separators, control and formatting characters become `_`.
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
    # C: control, format (bidi marks), surrogate, private use; Z other than a blank: line and paragraph ends.
    return "".join(
        "_" if char in _UNSAFE or unicodedata.category(char)[0] == "C" or (char != " " and char.isspace()) else char
        for char in text
    )
