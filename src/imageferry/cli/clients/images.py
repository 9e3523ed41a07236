"""The interface through which commands reach images."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.gateway.schemas.images import Image, ImageFilter


class ImageMatches(Struct, frozen=True, kw_only=True):
    """Some of the images that match a filter, and how many match."""

    images: Sequence[Image]
    total: Total
    next: str | None = None  # the cursor that continues after these images; None: they are the last ones


class DeletedImages(Struct, frozen=True, kw_only=True):
    """The result of deleting images."""

    deleted: int
    failed: Mapping[int, str]  # the error by image id: the image, or its object, still exists


class ImagesClient(Protocol):
    """Images in the local catalog or at a remote gateway."""

    async def search(
        self, conditions: ImageFilter, *, sort: Sort, limit: int, cursor: str | None = None
    ) -> ImageMatches:
        """Return the first images that match, or those after a cursor of the same sort order: up to `limit` of them."""
        ...

    async def by_ids(self, ids: Sequence[int]) -> Sequence[Image]:
        """Return those of these images that exist."""
        ...

    async def delete(self, selection: ImageFilter | Sequence[int]) -> DeletedImages:
        """Delete these images, or all that match now, with their objects. A filter must have a condition."""
        ...

    def content(self, image_id: int) -> AsyncGenerator[bytes, None]:
        """Yield the original file of an image in chunks. Raises ImageferryError when it can't be read."""
        ...
