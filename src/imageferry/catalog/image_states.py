"""What an image is counted and searched by, as it stands before and after a change."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from imageferry.catalog.among import among
from imageferry.catalog.tables import images, items, jobs


class ImageState(NamedTuple):
    """An image, as far as others keep account of it."""

    id: int
    name: str
    mime_type: str
    folder_id: str
    job_id: str
    camera: str | None
    latitude: float | None
    shown_at: datetime
    size_bytes: int


def of_items(tx: Connection, item_ids: Collection[int]) -> dict[int, ImageState]:
    """The images of these items' files, in the store of their job; by the images' ids."""
    return {row[0]: ImageState(*row) for row in tx.execute(_OF_ITEMS, {"item_ids": item_ids})}


def of_images(tx: Connection, image_ids: Collection[int]) -> dict[int, ImageState]:
    """These images, as far as they are there."""
    return {row[0]: ImageState(*row) for row in tx.execute(_OF_IMAGES, {"image_ids": image_ids})}


_STATE = select(*(images.c[name] for name in ImageState._fields))
_OF_ITEMS = (
    _STATE.join(items, items.c.file_id == images.c.file_id)
    .join(jobs, (jobs.c.id == items.c.job_id) & (jobs.c.source == images.c.source) & (jobs.c.store == images.c.store))
    .where(among(items.c.id, "item_ids"))
)
_OF_IMAGES = _STATE.where(among(images.c.id, "image_ids"))
