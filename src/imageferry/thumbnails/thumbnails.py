"""Thumbnails of stored images: read from the store, or rendered and saved there."""

import asyncio

from msgspec import Struct

from imageferry.catalog.database.connection import Catalog
from imageferry.catalog.images import thumbnails as records
from imageferry.errors import ImageferryError, NotFoundError, Reason
from imageferry.log import log
from imageferry.stores.keys import THUMBNAIL_WIDTHS, thumbnail_key
from imageferry.stores.store import Store
from imageferry.thumbnails.protocol import RenderedThumbnail, RenderRequest, UnreadableError
from imageferry.thumbnails.worker_pool import WorkerPool

BODY_BYTES_MAX = 16 * 1024 * 1024


class StoredImage(Struct, frozen=True, kw_only=True):
    """The fields of an image record that its thumbnails need."""

    image_id: int
    object_key: str
    md5: str
    size_bytes: int
    mime_type: str
    rotation: int = 0  # quarter turns clockwise, from the source's listing
    may_exist: bool = False  # the store may hold a thumbnail of some width


class Thumbnails:
    """The thumbnails of one store's images; concurrent requests for the same one share one rendering.

    The metadata of a thumbnail says which bytes it was rendered from: one of an older version of the image is never
    returned, and is overwritten.
    """

    def __init__(self, *, store: Store, catalog: Catalog, pool: WorkerPool) -> None:
        self._store = store
        self._catalog = catalog
        self._pool = pool
        self._in_progress: dict[tuple[str, str, int], asyncio.Task[bytes]] = {}

    async def get(self, image: StoredImage, *, width: int) -> bytes:
        """Return a thumbnail as WebP, of one of `THUMBNAIL_WIDTHS`.

        Raises UnreadableError when none can be made, and records that; TransientError when too many are being made,
        and the store's errors.
        """
        key = (image.object_key, image.md5, width)
        task = self._in_progress.get(key)
        if task is None:
            task = asyncio.create_task(self._load_or_render(image, width))
            self._in_progress[key] = task
            task.add_done_callback(lambda done: self._remove_done(key, done))
        # Shielded: a client that disconnects must not cancel it for the others that wait, or come next.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End the renderings in progress; none of them is recorded as failed."""
        await self._pool.close()
        await asyncio.gather(*self._in_progress.values(), return_exceptions=True)

    def _remove_done(self, key: tuple[str, str, int], task: asyncio.Task[bytes]) -> None:
        del self._in_progress[key]
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio logs it when every client has disconnected

    async def _load_or_render(self, image: StoredImage, width: int) -> bytes:
        key = thumbnail_key(image.object_key, width=width)
        if image.may_exist and (body := await self._load(key, md5=image.md5)):
            return body
        try:
            thumbnail = await self._render(image, width)
        except UnreadableError as exc:
            log.warning("thumbnail.failed", image_id=image.image_id, error=str(exc))
            await self._catalog.write(lambda tx: records.mark_failed(tx, image_id=image.image_id, md5=image.md5))
            raise
        await self._save(image, key, thumbnail)
        return thumbnail.body

    async def _load(self, key: str, *, md5: str) -> bytes | None:
        info = await self._store.find(key)
        if info is None or info.size_bytes > BODY_BYTES_MAX:
            return None
        body = b"".join([chunk async for chunk in self._store.read(key)])
        return body if _source_tag(md5).encode() in body else None

    async def _render(self, image: StoredImage, width: int) -> RenderedThumbnail:
        if image.size_bytes > self._pool.limits.file_bytes_max:
            raise UnreadableError(f"It has {image.size_bytes:,} bytes, which is too large for a thumbnail.")
        if await self._store.head(image.object_key) is None:
            raise NotFoundError(Reason.GONE, "The image is no longer in the storage.")
        request = RenderRequest(
            width=width,
            quarter_turns=image.rotation,
            is_raw=image.mime_type.startswith("image/x-"),
            source_tag=_source_tag(image.md5),
        )
        return await self._pool.render(self._store.read(image.object_key), request)

    async def _save(self, image: StoredImage, key: str, thumbnail: RenderedThumbnail) -> None:
        """Save a thumbnail and record it. One that can't be saved is still returned, and rendered again next time."""
        try:
            await self._store.put(key, thumbnail.body, mime_type="image/webp")
            is_current = await self._catalog.write(
                lambda tx: records.mark_ready(
                    tx,
                    image_id=image.image_id,
                    md5=image.md5,
                    placeholder=thumbnail.placeholder,
                    width=thumbnail.width,
                    height=thumbnail.height,
                )
            )
            if not is_current:  # the image was deleted or replaced during the rendering
                await self._store.delete(key)
        except ImageferryError as exc:
            log.warning("thumbnail.save_failed", image_id=image.image_id, error=exc.message)


def width_at_least(requested: int) -> int:
    """Return the smallest thumbnail width that is at least `requested`, or the largest of all."""
    return next((width for width in THUMBNAIL_WIDTHS if width >= requested), THUMBNAIL_WIDTHS[-1])


def _source_tag(md5: str) -> str:
    return f"imageferry:{md5}"
