"""IDs in Drive's format: 33 characters for a file, 19 for a shared drive. The same seed gives the same IDs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

# Today's file IDs are "1" and 24 bytes. For numbered files, these are a prefix of the series and an index.
_ID_BYTES = 24
_SERIES_BYTES = 16
_INDEX_SPACE = 1 << 8 * (_ID_BYTES - _SERIES_BYTES)
# An odd factor permutes the index space, so neighbours look different; its inverse restores the index.
_MULTIPLIER = 0x9E37_79B9_7F4A_7C15
_INVERSE = pow(_MULTIPLIER, -1, _INDEX_SPACE)


def file_id(seed: str) -> str:
    """Return an ID for a file, a folder or a shortcut."""
    return _encoded(blake2b(seed.encode(), digest_size=_ID_BYTES).digest())


class IdSeries:
    """The IDs of numbered files: computed from the number and back, so none is stored."""

    def __init__(self, seed: str) -> None:
        digest = blake2b(seed.encode(), digest_size=_ID_BYTES).digest()
        self.prefix = digest[:_SERIES_BYTES]
        self._offset = int.from_bytes(digest[_SERIES_BYTES:])

    def id_of(self, index: int) -> str:
        """Return the ID of a file number."""
        scattered = (index * _MULTIPLIER + self._offset) % _INDEX_SPACE
        return _encoded(self.prefix + scattered.to_bytes(_ID_BYTES - _SERIES_BYTES))

    def index_of(self, file_id: str) -> int:
        """Return the file number of an ID. For an invented ID it is larger than any count."""
        scattered = int.from_bytes(_decoded(file_id)[_SERIES_BYTES:])
        return (scattered - self._offset) * _INVERSE % _INDEX_SPACE


def series_prefix(file_id: str) -> bytes | None:
    """Return the prefix that all IDs of a series share; None: not a file ID."""
    raw = _decoded(file_id)
    return raw[:_SERIES_BYTES] if len(raw) == _ID_BYTES else None


def shared_drive_id(seed: str) -> str:
    """Return an ID for a shared drive."""
    return "0A" + _letters(seed, length=14) + "PVA"


def resource_key(seed: str) -> str:
    """Return a resource key, as older links contain it."""
    return "0-" + _letters(seed, length=22)


def api_key(seed: str) -> str:
    """Return an API key in Google's format."""
    return "AIza" + _letters(seed, length=35)


def _encoded(raw: bytes) -> str:
    return "1" + urlsafe_b64encode(raw).decode()


def _decoded(file_id: str) -> bytes:
    try:
        return urlsafe_b64decode(file_id[1:])
    except ValueError:
        return b""


def _letters(seed: str, *, length: int) -> str:
    return urlsafe_b64encode(blake2b(seed.encode(), digest_size=48).digest()).decode()[:length]
