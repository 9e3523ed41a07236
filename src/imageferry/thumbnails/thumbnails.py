"""Thumbnails of a store's images: read where one stands, made where none does, once however many ask."""

import asyncio

from msgspec import Struct

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.images import thumbnails as records
from imageferry.errors import ImageferryError, NotFoundError, Reason
from imageferry.log import log
from imageferry.stores.keys import THUMBNAIL_WIDTHS, thumbnail_key
from imageferry.stores.store import Store
from imageferry.thumbnails.protocol import Drawn, Order, UnreadableError
from imageferry.thumbnails.worker_pool import Pool

BODY_BYTES_MAX = 16 * 1024 * 1024


class Picture(Struct, frozen=True, kw_only=True):
    """An image of the catalog, as far as its thumbnails need to know it."""

    image_id: int
    object_key: str
    md5: str
    size_bytes: int
    mime_type: str
    rotation: int = 0  # quarter turns clockwise, as the listing says
    made_before: bool = False  # a thumbnail of some width may stand in the store


class Thumbnails:
    """The thumbnails of one store's images.

    Each tells in its metadata which bytes it was made from: one of an older version is never shown, and is
    overwritten.
    """

    def __init__(self, *, store: Store, catalog: Catalog, pool: Pool) -> None:
        self._store = store
        self._catalog = catalog
        self._pool = pool
        self._flights: dict[tuple[str, str, int], asyncio.Task[bytes]] = {}

    async def get(self, picture: Picture, *, width: int) -> bytes:
        """A thumbnail as WebP, of one of `THUMBNAIL_WIDTHS`.

        Raises UnreadableError when none can be made, which the record then tells; TransientError when too many are
        being made, and the store's errors.
        """
        flight = (picture.object_key, picture.md5, width)
        task = self._flights.get(flight)
        if task is None:
            task = asyncio.create_task(self._had(picture, width))
            self._flights[flight] = task
            task.add_done_callback(lambda done: self._landed(flight, done))
        # Who leaves does not take it from those who wait with him, nor from those who come next.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is under way; nothing of it is remembered as failed."""
        await self._pool.close()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    def _landed(self, flight: tuple[str, str, int], task: asyncio.Task[bytes]) -> None:
        del self._flights[flight]
        if not task.cancelled():
            task.exception()  # also when nobody waited for it to the end

    async def _had(self, picture: Picture, width: int) -> bytes:
        key = thumbnail_key(picture.object_key, width=width)
        if picture.made_before and (body := await self._standing(key, md5=picture.md5)):
            return body
        try:
            drawn = await self._drawn(picture, width)
        except UnreadableError as exc:
            log.warning("thumbnail.failed", image_id=picture.image_id, why=str(exc))
            await self._catalog.write(lambda tx: records.note_failed(tx, image_id=picture.image_id, md5=picture.md5))
            raise
        await self._keep(picture, key, drawn)
        return drawn.body

    async def _standing(self, key: str, *, md5: str) -> bytes | None:
        standing = await self._store.head(key)
        if standing is None or standing.size_bytes > BODY_BYTES_MAX:
            return None
        body = b"".join([chunk async for chunk in self._store.read(key)])
        return body if _mark(md5).encode() in body else None

    async def _drawn(self, picture: Picture, width: int) -> Drawn:
        if picture.size_bytes > self._pool.bounds.file_bytes:
            raise UnreadableError(f"It has {picture.size_bytes:,} bytes, more than a thumbnail is made of.")
        if await self._store.head(picture.object_key) is None:
            raise NotFoundError(Reason.GONE, "The image's object is not in the store any more.")
        order = Order(
            width=width,
            quarter_turns=picture.rotation,
            raw=picture.mime_type.startswith("image/x-"),
            mark=_mark(picture.md5),
        )
        return await self._pool.draw(self._store.read(picture.object_key), order)

    async def _keep(self, picture: Picture, key: str, drawn: Drawn) -> None:
        """In the store and on the record. A thumbnail that cannot be kept is shown all the same, and made again."""
        try:
            await self._store.put(key, drawn.body, mime_type="image/webp")
            kept = await self._catalog.write(
                lambda tx: records.note_ready(
                    tx,
                    image_id=picture.image_id,
                    md5=picture.md5,
                    placeholder=drawn.placeholder,
                    width=drawn.width,
                    height=drawn.height,
                )
            )
            if not kept:  # deleted or replaced meanwhile
                await self._store.delete(key)
        except ImageferryError as exc:
            log.warning("thumbnail.not_kept", image_id=picture.image_id, why=exc.message)


def width_at_least(asked: int) -> int:
    """The smallest of the widths that is no less than asked; beyond the largest, that."""
    return next((width for width in THUMBNAIL_WIDTHS if width >= asked), THUMBNAIL_WIDTHS[-1])


def _mark(md5: str) -> str:
    return f"imageferry:{md5}"
