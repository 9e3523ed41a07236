"""The interface through which commands reach images."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from imageferry.catalog.search.filters import Sort
from imageferry.catalog.search.image_search import Total
from imageferry.gateway.schemas.images import Image, ImageFilter


class ImageMatches(Struct, frozen=True, kw_only=True):
    """The first images that match a filter, and how many match."""

    images: Sequence[Image]
    total: Total


class DeletedImages(Struct, frozen=True, kw_only=True):
    """The result of deleting images."""

    deleted: int
    failed: Mapping[int, str]  # the error by image id: the image, or its object, still exists


class ImagesClient(Protocol):
    """Images in the local catalog or at a remote gateway."""

    async def search(self, conditions: ImageFilter, *, sort: Sort, limit: int) -> ImageMatches:
        """Return the first images that match, at most `limit` (1000 or less)."""
        ...

    async def by_ids(self, ids: Sequence[int]) -> Sequence[Image]:
        """Return those of these images that exist."""
        ...

    async def delete(self, selection: ImageFilter | Sequence[int]) -> DeletedImages:
        """Delete these images, or all that match now, with their objects. A filter must have a condition."""
        ...

    def archive(self, ids: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """Yield one ZIP archive of the original files of these images (1000 or less) in chunks."""
        ...
