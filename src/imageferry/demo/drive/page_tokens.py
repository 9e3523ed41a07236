"""Page tokens: the position to continue a listing from, signed so that only the same listing can use it."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from struct import Struct

_POSITION = Struct(">II")  # as listing.EntryPosition
_SIGNATURE_BYTES = 16
_PREFIX = "~!!~"


def create(position: tuple[int, int], *, listing: str, secret: bytes) -> str:
    """Return a token for a position in a listing."""
    packed = _POSITION.pack(*position)
    return _PREFIX + urlsafe_b64encode(packed + _signature(packed, listing, secret)).decode()


def verify(token: str, *, listing: str, secret: bytes) -> tuple[int, int]:
    """Return the position in a token. Raises ValueError for an invalid token or another listing's."""
    if not token.startswith(_PREFIX):
        raise ValueError("not a page token")
    raw = urlsafe_b64decode(token.removeprefix(_PREFIX))
    packed, signature = raw[: _POSITION.size], raw[_POSITION.size :]
    if not hmac.compare_digest(signature, _signature(packed, listing, secret)):
        raise ValueError("a token of another listing")
    folder, entry = _POSITION.unpack(packed)
    return folder, entry


def _signature(packed: bytes, listing: str, secret: bytes) -> bytes:
    return blake2b(packed + listing.encode(), key=secret, digest_size=_SIGNATURE_BYTES).digest()
