"""Ids as Drive makes them: 33 characters for a file, 19 for a shared drive; the same seed gives the same ids."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

# Files made today have ids of 24 bytes behind a "1"; our own numbered ones are a series and a place in it.
_ID_BYTES = 24
_SERIES_BYTES = 16
_INDEX_SPACE = 1 << 8 * (_ID_BYTES - _SERIES_BYTES)
# An odd factor permutes the index space, so that neighbours do not look alike; its inverse leads back.
_SCATTER = 0x9E37_79B9_7F4A_7C15
_GATHER = pow(_SCATTER, -1, _INDEX_SPACE)


def file_id(seed: str) -> str:
    """An id for a file, a folder or a shortcut."""
    return _encoded(blake2b(seed.encode(), digest_size=_ID_BYTES).digest())


class Series:
    """The ids of one run of numbered files: computed from the number, and back, so that none is kept."""

    def __init__(self, seed: str) -> None:
        digest = blake2b(seed.encode(), digest_size=_ID_BYTES).digest()
        self.prefix = digest[:_SERIES_BYTES]
        self._offset = int.from_bytes(digest[_SERIES_BYTES:])

    def id_of(self, index: int) -> str:
        """The id of the file with this number."""
        scattered = (index * _SCATTER + self._offset) % _INDEX_SPACE
        return _encoded(self.prefix + scattered.to_bytes(_ID_BYTES - _SERIES_BYTES))

    def index_of(self, file_id: str) -> int:
        """The number of the file with this id; beyond every count for an id that was made up."""
        scattered = int.from_bytes(_decoded(file_id)[_SERIES_BYTES:])
        return (scattered - self._offset) * _GATHER % _INDEX_SPACE


def series_prefix(file_id: str) -> bytes | None:
    """What all ids of a series share; None for what is no file's id."""
    raw = _decoded(file_id)
    return raw[:_SERIES_BYTES] if len(raw) == _ID_BYTES else None


def shared_drive_id(seed: str) -> str:
    """An id for a shared drive."""
    return "0A" + _letters(seed, length=14) + "PVA"


def resource_key(seed: str) -> str:
    """A resource key, as older links carry it."""
    return "0-" + _letters(seed, length=22)


def api_key(seed: str) -> str:
    """An API key in Google's shape."""
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
