"""Verify the counters against the images, or rebuild them."""

from typing import Any

from sqlalchemy import Connection, Select, String, Table, case, cast, delete, func, literal, select

from imageferry.catalog.database.date_of import date_of
from imageferry.catalog.database.tables import image_counts, image_counts_by_day, image_counts_by_id_block, images
from imageferry.catalog.images.counters import BLOCK_SIZE, Dimension, lock_counters, total
from imageferry.catalog.images.records import newest_id

# How many of the newest id blocks `verify_sample` counts.
SAMPLED_BLOCKS = 10


def rebuild(tx: Connection) -> None:
    """Replace all counters by counting every image."""
    lock_counters(tx)
    for table in (image_counts_by_id_block, image_counts_by_day, image_counts):
        tx.execute(delete(table))
    for dimension, table in _BREAKDOWNS:
        tx.execute(table.insert().from_select(table.c.keys(), _count_images(dimension, table)))
    tx.execute(image_counts.insert().from_select(image_counts.c.keys(), _sum_days()))


def verify_sample(tx: Connection) -> bool:
    """Return whether the counters agree with each other and with the newest images.

    Counts the images of SAMPLED_BLOCKS blocks: it takes the same time for any number of images.
    """
    blocks = image_counts_by_id_block.c
    newest_block = newest_id(tx) // BLOCK_SIZE
    first_block = max(newest_block - SAMPLED_BLOCKS + 1, 0)
    of_all = (blocks.dimension == literal(Dimension.ALL.value), blocks.value == literal(""))
    sum_of_blocks = select(func.coalesce(func.sum(blocks.images), 0)).where(*of_all)
    counters = select(blocks.block, blocks.images).where(*of_all, blocks.block >= first_block)
    block = images.c.id // BLOCK_SIZE
    actual = select(block, func.count()).where(images.c.id >= first_block * BLOCK_SIZE).group_by(block)
    stored_counts, actual_counts = (
        {int(number): int(count) for number, count in tx.execute(query) if count} for query in (counters, actual)
    )
    return stored_counts == actual_counts and int(tx.execute(sum_of_blocks).scalar_one()) == total(tx).images


def find_differences(tx: Connection) -> set[tuple[Any, ...]]:
    """Count every image; return the counter rows that are wrong or should exist. Empty: all counters are correct."""
    tables = (image_counts_by_day, image_counts_by_id_block, image_counts)
    stored = [tx.execute(select(table).where(table.c.images > 0)) for table in tables]
    actual = [tx.execute(_count_images(dimension, table)) for dimension, table in _BREAKDOWNS]
    actual.append(tx.execute(_sum_days()))
    stored_rows, actual_rows = (
        {tuple(map(str, row)) for rows in results for row in rows} for results in (stored, actual)
    )
    return stored_rows ^ actual_rows


_BREAKDOWNS = [(dimension, image_counts_by_id_block) for dimension in Dimension] + [
    (dimension, image_counts_by_day) for dimension in Dimension if dimension is not Dimension.MONTH
]


def _count_images(dimension: Dimension, table: Table) -> Select[Any]:
    """Return a query for the rows of one dimension in one of the two breakdown tables."""
    value: Any = {
        Dimension.TYPE: images.c.mime_type,
        Dimension.FOLDER: images.c.folder_id,
        Dimension.JOB: images.c.job_id,
        Dimension.CAMERA: images.c.camera,
        Dimension.MONTH: func.substring(cast(date_of(images.c.sort_date), String(10)), 1, 7),
        Dimension.HAS_LOCATION: case((images.c.latitude.is_(None), "0"), else_="1"),
    }.get(dimension, literal(""))
    key: Any = date_of(images.c.sort_date) if table is image_counts_by_day else images.c.id // BLOCK_SIZE
    columns: tuple[Any, ...] = (literal(dimension.value), value, key, func.count(), func.sum(images.c.size_bytes))
    query = select(*columns).group_by(*([key] if dimension is Dimension.ALL else [value, key]))
    return query.where(images.c.camera.is_not(None)) if dimension is Dimension.CAMERA else query


def _sum_days() -> Select[Any]:
    days = image_counts_by_day.c
    sums = (func.sum(days.images), func.sum(days.size_bytes))
    query = select(days.dimension, days.value, *sums)
    return query.group_by(days.dimension, days.value).having(sums[0] > 0)
