"""Images in the local catalog."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from imageferry.bootstrap.components import Components, open_catalog, open_components
from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import ImageSearch, PageSlice, Total
from imageferry.cli.clients.images import DeletedImages, ImageMatches
from imageferry.errors import NotFoundError, Reason
from imageferry.gateway.presenters.images import image_view
from imageferry.gateway.protocol.cursors import CursorCodec
from imageferry.gateway.protocol.image_cursors import decode_position, encode_position
from imageferry.gateway.schemas.image_query import to_filter
from imageferry.gateway.schemas.images import Image, ImageFilter
from imageferry.pipeline.delete_images import delete_with_objects
from imageferry.settings import Settings


@asynccontextmanager
async def open_local_images(settings: Settings) -> "AsyncIterator[LocalImages]":
    """Open the images of the catalog that the settings name."""
    async with AsyncExitStack() as stack:
        yield LocalImages(settings, stack)


class LocalImages:
    """See ImagesClient. Opens the catalog for each call; the store only when it is first needed, until the end."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._opening = asyncio.Lock()
        self._opened: Components | None = None

    async def search(
        self, conditions: ImageFilter, *, sort: Sort, limit: int, cursor: str | None = None
    ) -> ImageMatches:
        """See ImagesClient."""
        async with open_catalog(self._settings) as catalog:
            cursors = await CursorCodec.for_catalog(catalog)
            after = decode_position(cursor, sort, cursors) if cursor else None

            def query(tx: Tx) -> tuple[Total, PageSlice]:
                search = ImageSearch.open(tx, to_filter(conditions))
                return search.total(), search.full_page_after(sort, limit=limit, after=after)

            total, page = await catalog.read(query)
        return ImageMatches(
            images=[image_view(row) for row in page.rows],
            total=total,
            next=None if page.next_position is None else encode_position(page.next_position, sort, cursors),
        )

    async def by_ids(self, ids: Sequence[int]) -> Sequence[Image]:
        """See ImagesClient."""
        async with open_catalog(self._settings) as catalog:
            return [image_view(row) for row in await catalog.read(lambda tx: records.by_ids(tx, ids))]

    async def delete(self, selection: ImageFilter | Sequence[int]) -> DeletedImages:
        """See ImagesClient."""
        filter_or_ids = to_filter(selection) if isinstance(selection, ImageFilter) else selection
        components = await self._components()
        result = await delete_with_objects(filter_or_ids, catalog=components.catalog, store=components.store)
        return DeletedImages(deleted=result.deleted, failed=result.failed)

    async def content(self, image_id: int) -> AsyncGenerator[bytes, None]:
        """See ImagesClient."""
        components = await self._components()
        row = await components.catalog.read(lambda tx: records.get(tx, image_id))
        if row is None:
            raise NotFoundError(Reason.GONE, "It no longer exists.")
        if row.store != components.store.url:
            raise NotFoundError(Reason.GONE, f"It is in a different storage, {row.store}.")
        async with aclosing(components.store.read(row.object_key)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _components(self) -> Components:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(open_components(self._settings))
            return self._opened
