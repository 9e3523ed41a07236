"""Where the command for images looks at them and deletes them: the catalog of this machine, or a gateway elsewhere."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.gateway.schemas.images import Image, ImageFilter


class Shown(Struct, frozen=True, kw_only=True):
    """The first images that a filter leaves, and how many it leaves."""

    images: Sequence[Image]
    total: Total


class Gone(Struct, frozen=True, kw_only=True):
    """What became of images that were to be deleted."""

    deleted: int
    failed: Mapping[int, str]  # ids, and why: they, or their objects, are still there


class ImageDesk(Protocol):
    """Images within reach."""

    async def show(self, wanted: ImageFilter, *, sort: Sort, limit: int) -> Shown:
        """The first ones in an order; `limit` is 1000 at most."""
        ...

    async def some(self, ids: Sequence[int]) -> Sequence[Image]:
        """Those of these images that are there."""
        ...

    async def delete(self, wanted: ImageFilter | Sequence[int]) -> Gone:
        """Delete these, or all that a filter leaves now, with their objects. The filter has a condition."""
        ...

    def archive(self, ids: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """The originals of these images as one ZIP, a piece at a time; at most 1000."""
        ...
