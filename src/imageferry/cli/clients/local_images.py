"""Images in the catalog of this machine."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from imageferry.bootstrap.components import open_catalog, open_ferry
from imageferry.catalog.database.connection import Tx
from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Listing, Total
from imageferry.cli.clients.images import Gone, Shown
from imageferry.gateway.presenters.images import image
from imageferry.gateway.routes.archives import zipped
from imageferry.gateway.routes.image_filters import asked
from imageferry.gateway.schemas.images import Image, ImageFilter
from imageferry.pipeline.delete_images import discard
from imageferry.settings import Settings


class LocalImages:
    """See ImageDesk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def show(self, wanted: ImageFilter, *, sort: Sort, limit: int) -> Shown:
        """See ImageDesk."""

        def query(tx: Tx) -> tuple[Total, Sequence[ImageRow]]:
            listing = Listing(tx, asked(**dict(wanted)))
            return listing.total(), listing.page(sort, limit=limit)

        async with open_catalog(self._settings) as catalog:
            total, rows = await catalog.read(query)
        return Shown(images=[image(row) for row in rows], total=total)

    async def some(self, ids: Sequence[int]) -> Sequence[Image]:
        """See ImageDesk."""
        async with open_catalog(self._settings) as catalog:
            return [image(row) for row in await catalog.read(lambda tx: records.some(tx, ids))]

    async def delete(self, wanted: ImageFilter | Sequence[int]) -> Gone:
        """See ImageDesk."""
        meant = asked(**dict(wanted)) if isinstance(wanted, ImageFilter) else wanted
        async with open_ferry(self._settings) as ferry:
            discarded = await discard(meant, catalog=ferry.catalog, store=ferry.store)
        return Gone(deleted=discarded.deleted, failed=discarded.failed)

    async def archive(self, ids: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """See ImageDesk."""
        async with open_ferry(self._settings) as ferry:
            rows = await ferry.catalog.read(lambda tx: records.some(tx, ids))
            async with aclosing(zipped(rows, store=ferry.store)) as pieces:
                async for piece in pieces:
                    yield piece
