"""Images in the local catalog."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from imageferry.bootstrap.components import open_catalog, open_components
from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import ImageSearch, Total
from imageferry.cli.clients.images import DeletedImages, ImageMatches
from imageferry.gateway.presenters.images import image_view
from imageferry.gateway.routes.archives import zip_images
from imageferry.gateway.schemas.image_query import to_filter
from imageferry.gateway.schemas.images import Image, ImageFilter
from imageferry.pipeline.delete_images import delete_with_objects
from imageferry.settings import Settings


class LocalImages:
    """See ImagesClient. Opens the catalog for each call, and the store only where it is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def search(self, conditions: ImageFilter, *, sort: Sort, limit: int) -> ImageMatches:
        """See ImagesClient."""

        def query(tx: Tx) -> tuple[Total, Sequence[ImageRow]]:
            search = ImageSearch.open(tx, to_filter(conditions))
            return search.total(), search.page(sort, limit=limit)

        async with open_catalog(self._settings) as catalog:
            total, rows = await catalog.read(query)
        return ImageMatches(images=[image_view(row) for row in rows], total=total)

    async def by_ids(self, ids: Sequence[int]) -> Sequence[Image]:
        """See ImagesClient."""
        async with open_catalog(self._settings) as catalog:
            return [image_view(row) for row in await catalog.read(lambda tx: records.by_ids(tx, ids))]

    async def delete(self, selection: ImageFilter | Sequence[int]) -> DeletedImages:
        """See ImagesClient."""
        filter_or_ids = to_filter(selection) if isinstance(selection, ImageFilter) else selection
        async with open_components(self._settings) as components:
            result = await delete_with_objects(filter_or_ids, catalog=components.catalog, store=components.store)
        return DeletedImages(deleted=result.deleted, failed=result.failed)

    async def archive(self, ids: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """See ImagesClient."""
        async with open_components(self._settings) as components:
            rows = await components.catalog.read(lambda tx: records.by_ids(tx, ids))
            async with aclosing(zip_images(rows, store=components.store)) as chunks:
                async for chunk in chunks:
                    yield chunk
