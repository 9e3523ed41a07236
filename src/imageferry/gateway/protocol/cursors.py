"""Cursors: where a list goes on, signed, so that only what a gateway gave out comes back."""

from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException
from itsdangerous import BadData, URLSafeSerializer

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.database.signing_keys import signing_key

CURSOR_LENGTH_MAX = 1024


class Cursors:
    """Gives out cursors and takes them back."""

    def __init__(self, key: str) -> None:
        self._key = key

    @classmethod
    async def of(cls, catalog: Catalog) -> "Cursors":
        """Those of a catalog: any gateway of it takes them, and after a restart, too."""
        return cls(await catalog.write(lambda tx: signing_key(tx, "cursors")))

    def give(self, of: str, position: Sequence[Any]) -> str:
        """A cursor of the list named so: its position holds what JSON holds."""
        cursor = self._serializer(of).dumps(list(position))
        return cursor if isinstance(cursor, str) else cursor.decode()

    def take(self, of: str, cursor: str) -> list[Any]:
        """The position in the list named so; 400 when no gateway of this catalog gave it out for that list."""
        position = self.known(of, cursor)
        if position is None:
            raise HTTPException(400, "This cursor is not one of this list: take `next` as it was answered.")
        return position

    def known(self, of: str, cursor: str) -> list[Any] | None:
        """The same; None when no gateway of this catalog gave it out."""
        try:
            position: list[Any] = self._serializer(of).loads(cursor)
        except BadData:
            return None
        return position

    def _serializer(self, of: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=f"imageferry {of}")
