"""The layout of object keys."""

import re
import unicodedata
from hashlib import md5, sha256
from pathlib import PurePosixPath

# Of the file name in the key, in bytes of UTF-8. File systems allow 255 for a whole path component.
NAME_BYTES_MAX = 160
SUFFIX_BYTES_MAX = 16
# Of a longer name, its end is read besides: composing a long run of combining marks takes quadratic time.
_READ_LENGTH = 1024
THUMBNAIL_WIDTHS = (256, 512, 1024, 2048)  # pixels; a thumbnail may be narrower
_THUMBNAILS = ".thumbnails"
# Forbidden or special on some file system, in a URL, or in obstore's own paths (`#1` marks a staged file).
_UNSAFE = frozenset('/\\:*?"<>|%#~^`{}[]&$;=@\x7f')


# IDs that are part of a key as they are. A disk allows 255 bytes: 85 for the ID, the rest for the name.
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,85}")
# A file's ID as its key shows it: 33, 28 or 44 characters, as Drive's IDs have, or all up to the first `_`.
_ID_OF_KEY = r"(1[\w-]{32}|0B[\w-]{26}|1[\w-]{43}|[A-Za-z0-9-]{1,85})"
_READ_ID = re.compile(rf"{_ID_OF_KEY}_", re.ASCII)
_READ_ID_AND_HASH = re.compile(rf"{_ID_OF_KEY}-[0-9a-f]{{8}}_", re.ASCII)


def object_key(*, folder_id: str, file_id: str, name: str, folds_case: bool = False) -> str:
    """Return `{folder_id}/{file_id}_{safe name}`, relative to the store's URL: two components, never `.` or `..`.

    Unique per file ID, for any ID and name: an ID that could not be read back from the key is replaced by a part and
    a hash of it. With `folds_case` (a case-insensitive disk, as of macOS or Windows) eight hexadecimal digits of a
    hash follow the ID, so that IDs which differ only in case are different objects.
    """
    folder = folder_id if _PLAIN_ID.fullmatch(folder_id) else _hashed_id(folder_id)
    case_hash = f"-{md5(_bytes(file_id), usedforsecurity=False).hexdigest()[:8]}" if folds_case else ""
    rest = f"{case_hash}_{safe_name(name)}"
    match = (_READ_ID_AND_HASH if folds_case else _READ_ID).match(f"{file_id}{rest}")
    file = file_id if match and match[1] == file_id else _hashed_id(file_id)
    return f"{folder}/{file}{rest}"


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
    if len(name) > _READ_LENGTH:
        name = name[:_READ_LENGTH] + name[-2 * SUFFIX_BYTES_MAX :]
    safe = _safe(unicodedata.normalize("NFC", name)).strip(" .")
    if len(safe.encode()) <= NAME_BYTES_MAX:
        return safe or "_"
    suffix = PurePosixPath(safe).suffix
    if len(suffix.encode()) > SUFFIX_BYTES_MAX:
        suffix = ""
    stem = safe.encode()[: NAME_BYTES_MAX - len(suffix.encode())].decode(errors="ignore")
    return f"{stem.rstrip(' .')}{suffix}"


def _hashed_id(text: str) -> str:
    # No other ID has a `.`, and this one has no `_` before it.
    return f"{re.sub(r'[^A-Za-z0-9-]', '-', text[:32])}.{sha256(_bytes(text)).hexdigest()[:32]}"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _safe(text: str) -> str:
    if text.isascii() and text.isprintable() and _UNSAFE.isdisjoint(text):
        return text
    # Category C: control, format (bidi marks), surrogate, private use. Spaces other than " ": line separators.
    return "".join(
        "_" if char in _UNSAFE or unicodedata.category(char)[0] == "C" or (char != " " and char.isspace()) else char
        for char in text
    )
