"""Cursors: signed positions in a list. A gateway accepts only cursors that a gateway of the same catalog issued."""

from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.signing_keys import signing_key
from imageferry.errors import Reason, UsageError

CURSOR_LENGTH_MAX = 1024


class CursorCodec:
    """Encodes and decodes cursors with the catalog's signing key."""

    def __init__(self, key: str) -> None:
        self._key = key

    @classmethod
    async def for_catalog(cls, catalog: Catalog) -> "CursorCodec":
        """Return a codec with the catalog's key: its cursors are valid at any gateway of it, and after a restart."""
        return cls(await catalog.write(lambda tx: signing_key(tx, "cursors")))

    def encode(self, list_name: str, position: Sequence[Any]) -> str:
        """Return the cursor of a position in the named list. The position's values must be JSON values."""
        cursor = self._serializer(list_name).dumps(list(position))
        return cursor if isinstance(cursor, str) else cursor.decode()

    def decode(self, list_name: str, cursor: str) -> list[Any]:
        """Return the position in the named list. Raises UsageError when the cursor was not issued for that list."""
        position = self.try_decode(list_name, cursor)
        if position is None:
            message = "The cursor does not belong to this list. Use `next` exactly as it was returned."
            raise UsageError(Reason.MISCONFIGURED, message)
        return position

    def try_decode(self, list_name: str, cursor: str) -> list[Any] | None:
        """Return the position in the named list; None when the cursor was not issued for that list."""
        try:
            position: list[Any] = self._serializer(list_name).loads(cursor)
        except BadData:
            return None
        return position

    def _serializer(self, list_name: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"imageferry {list_name}")
