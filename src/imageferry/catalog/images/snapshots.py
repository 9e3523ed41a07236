"""Snapshots of images before and after a change, for updating the counters and the word index."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from imageferry.catalog.database.in_list import in_list
from imageferry.catalog.database.tables import images


class ImageSnapshot(NamedTuple):
    """The columns of an image that counters, word index and tombstones depend on."""

    id: int
    file_id: str
    name: str
    mime_type: str
    folder_id: str
    job_id: str
    camera: str | None
    latitude: float | None
    sort_date: datetime
    size_bytes: int
    object_key: str


def by_file_ids(tx: Connection, *, source: str, store: str, file_ids: Collection[str]) -> dict[int, ImageSnapshot]:
    """Return the images of these files in one store, by image id."""
    parameters = {"of_source": source, "of_store": store, "file_ids": file_ids}
    return {row[0]: ImageSnapshot(*row) for row in tx.execute(_BY_FILE_IDS, parameters)}


def by_ids(tx: Connection, image_ids: Collection[int]) -> dict[int, ImageSnapshot]:
    """Return those of these images that exist, by image id."""
    return {row[0]: ImageSnapshot(*row) for row in tx.execute(_BY_IDS, {"image_ids": image_ids})}


_SELECT = select(*(images.c[name] for name in ImageSnapshot._fields))
# By file id: with a join on items, PostgreSQL scanned all images while its statistics of the tables were poor.
_BY_FILE_IDS = _SELECT.where(
    images.c.source == bindparam("of_source"),
    images.c.store == bindparam("of_store"),
    in_list(images.c.file_id, "file_ids"),
)
_BY_IDS = _SELECT.where(in_list(images.c.id, "image_ids"))
