"""What an image is counted and searched by, as it stands before and after a change."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from imageferry.catalog.database.in_list import among
from imageferry.catalog.database.tables import images


class ImageState(NamedTuple):
    """An image, as far as others keep account of it."""

    id: int
    file_id: str
    name: str
    mime_type: str
    folder_id: str
    job_id: str
    camera: str | None
    latitude: float | None
    shown_at: datetime
    size_bytes: int
    object_key: str


def of_files(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[int, ImageState]:
    """The images of these files in one store, by the images' ids."""
    asked = {"at_source": source, "in_store": store, "file_ids": file_ids}
    return {row[0]: ImageState(*row) for row in tx.execute(_OF_FILES, asked)}


def of_images(tx: Connection, image_ids: Collection[int]) -> dict[int, ImageState]:
    """These images, as far as they are there."""
    return {row[0]: ImageState(*row) for row in tx.execute(_OF_IMAGES, {"image_ids": image_ids})}


_STATE = select(*(images.c[name] for name in ImageState._fields))
# By the files' ids: joined with their items, PostgreSQL went through all images of a catalog that it knew little of.
_OF_FILES = _STATE.where(
    images.c.source == bindparam("at_source"),
    images.c.store == bindparam("in_store"),
    among(images.c.file_id, "file_ids"),
)
_OF_IMAGES = _STATE.where(among(images.c.id, "image_ids"))
