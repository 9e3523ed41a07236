"""Images in the catalog of this machine."""

from collections.abc import Sequence

from imageferry.bootstrap import open_catalog, open_ferry
from imageferry.catalog.filters import Sort
from imageferry.catalog.images import ImageRow
from imageferry.catalog.listing import Listing, Total
from imageferry.catalog.session import Tx
from imageferry.cli.image_desk import Gone, Shown
from imageferry.gateway.asking import asked
from imageferry.gateway.records import image
from imageferry.gateway.schemas.images import ImageFilter
from imageferry.pipeline.discard import discard
from imageferry.settings import Settings


class LocalImages:
    """See ImageDesk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def show(self, wanted: ImageFilter, *, sort: Sort, limit: int) -> Shown:
        """See ImageDesk."""

        def query(tx: Tx) -> tuple[Total, Sequence[ImageRow]]:
            listing = Listing(tx, asked(**dict(wanted)))
            return listing.total(), listing.after(sort, limit=limit)

        async with open_catalog(self._settings) as catalog:
            total, rows = await catalog.read(query)
        return Shown(images=[image(row) for row in rows], total=total)

    async def delete(self, wanted: ImageFilter) -> Gone:
        """See ImageDesk."""
        async with open_ferry(self._settings) as ferry:
            discarded = await discard(asked(**dict(wanted)), catalog=ferry.catalog, store=ferry.store)
        return Gone(deleted=discarded.deleted, failed=discarded.failed)
