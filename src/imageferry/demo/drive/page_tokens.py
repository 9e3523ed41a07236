"""Page tokens: where a listing goes on, sealed so that only the same listing can go on there."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from struct import Struct

_PLACE = Struct(">II")  # the folder's place in the query, the entry's place in the folder
_SEAL_BYTES = 16
_PREFIX = "~!!~"


def seal(place: tuple[int, int], *, listing: str, secret: bytes) -> str:
    """The token that leads to a place of one listing."""
    packed = _PLACE.pack(*place)
    return _PREFIX + urlsafe_b64encode(packed + _signed(packed, listing, secret)).decode()


def unseal(token: str, *, listing: str, secret: bytes) -> tuple[int, int]:
    """The place. Raises ValueError for garbage, and for another listing's token."""
    if not token.startswith(_PREFIX):
        raise ValueError("not one of our tokens")
    raw = urlsafe_b64decode(token.removeprefix(_PREFIX))
    packed, signature = raw[: _PLACE.size], raw[_PLACE.size :]
    if not hmac.compare_digest(signature, _signed(packed, listing, secret)):
        raise ValueError("another listing's token")
    folder, entry = _PLACE.unpack(packed)
    return folder, entry


def _signed(packed: bytes, listing: str, secret: bytes) -> bytes:
    return blake2b(packed + listing.encode(), key=secret, digest_size=_SEAL_BYTES).digest()
