"""Counters of images by dimension, day and id block: their number and total size, kept so that no query counts rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, literal, select
from sqlalchemy.sql import Executable

from imageferry.catalog.database.row_locks import for_update
from imageferry.catalog.database.tables import image_counts, image_counts_by_day, image_counts_by_id_block
from imageferry.catalog.database.upsert import upsert
from imageferry.catalog.images.snapshots import ImageSnapshot

# Ids in a block.
BLOCK_SIZE = 2_000


class Dimension(StrEnum):
    """What images are counted by; a counter's value says which one of the dimension."""

    ALL = "all"  # every image; the value is ""
    TYPE = "type"  # a MIME type
    FOLDER = "folder"  # a folder's id
    JOB = "job"  # the job that stored the image last
    CAMERA = "camera"  # images without a camera are not counted
    HAS_LOCATION = "has_location"  # "1" or "0"
    MONTH = "month"  # of `sort_date`, such as 2026-11; counted by id block only


class ImageCount(NamedTuple):
    """The number of images and their total size."""

    images: int
    size_bytes: int


class CountersLock(Struct, frozen=True):
    """Proof that a transaction holds the counters' lock; only `lock_counters` creates it."""

    tx: Connection


def lock_counters(tx: Connection) -> CountersLock:
    """Keep all other transactions from changing images until this one ends. Call it before reading what will change.

    Every change of images updates the counter of all images anyway. Locking that row first keeps transactions from
    counting by snapshots that another one is about to change, and from deadlocking each other.
    """
    # SQLite has one writer at a time.
    if tx.dialect.name != "sqlite" and tx.execute(_LOCK_TOTAL).one_or_none() is None:
        tx.execute(
            _increment_statement(image_counts, tx.dialect.name),
            [{"dimension": Dimension.ALL, "value": "", "images": 0, "size_bytes": 0}],
        )
    return CountersLock(tx)


_IS_TOTAL = (image_counts.c.dimension == literal(Dimension.ALL.value), image_counts.c.value == literal(""))
_LOCK_TOTAL = for_update(select(image_counts.c.images).where(*_IS_TOTAL), image_counts)


def apply_changes(
    lock: CountersLock, *, before: Mapping[int, ImageSnapshot], after: Mapping[int, ImageSnapshot]
) -> None:
    """Update the counters for images that changed from `before` to `after`, both by image id."""
    tx = lock.tx
    totals, by_day, by_block = dict[Any, list[int]](), dict[Any, list[int]](), dict[Any, list[int]]()
    for snapshots, sign in ((after.values(), 1), (before.values(), -1)):
        for group, (count, size_bytes) in _grouped(snapshots).items():
            *_, day, block = group
            for key in _counter_keys(group):
                for deltas, counter in ((totals, key), (by_day, (*key, day)), (by_block, (*key, block))):
                    _add(deltas, counter, sign * count, sign * size_bytes)
            _add(by_block, (Dimension.MONTH.value, month_of(day), block), sign * count, sign * size_bytes)
    tables = ((image_counts, totals), (image_counts_by_day, by_day), (image_counts_by_id_block, by_block))
    for table, deltas in tables:
        names = table.primary_key.columns.keys()
        rows = [
            dict(zip((*names, "images", "size_bytes"), (*key, *delta), strict=True))
            for key, delta in sorted(deltas.items())
            if delta != [0, 0]
        ]
        if rows:
            tx.execute(_increment_statement(table, tx.dialect.name), rows)


def month_of(day: date) -> str:
    """Return the value of Dimension.MONTH for a day."""
    return day.isoformat()[:7]


def total(tx: Connection) -> ImageCount:
    """Return the count of all images."""
    row = tx.execute(select(image_counts.c.images, image_counts.c.size_bytes).where(*_IS_TOTAL)).one_or_none()
    return ImageCount(0, 0) if row is None else ImageCount(*row)


def count_of(
    tx: Connection, dimension: Dimension, values: Sequence[str], *, first: date | None = None, last: date | None = None
) -> ImageCount:
    """Return the sum of the counts of these values, of the days from `first` to `last`, inclusive."""
    table = image_counts if first is None and last is None else image_counts_by_day
    sums = (func.coalesce(func.sum(table.c.images), 0), func.coalesce(func.sum(table.c.size_bytes), 0))
    row = tx.execute(select(*sums).where(*_predicates(table, dimension, values, first, last))).one()
    return ImageCount(*map(int, row))


def top(tx: Connection, dimension: Dimension, *, limit: int) -> list[tuple[str, ImageCount]]:
    """Return the values of a dimension with their counts, by number of images, largest first."""
    query = select(image_counts.c.value, image_counts.c.images, image_counts.c.size_bytes)
    query = query.where(image_counts.c.dimension == dimension, image_counts.c.images > 0)
    query = query.order_by(image_counts.c.images.desc(), image_counts.c.value).limit(limit)
    return [(value, ImageCount(*count)) for value, *count in tx.execute(query)]


def counts_by_day(
    tx: Connection,
    dimension: Dimension,
    values: Sequence[str],
    *,
    limit: int,
    first: date | None = None,
    last: date | None = None,
) -> list[tuple[date, ImageCount]]:
    """Return the sum of the counts of these values for each day, newest first."""
    predicates = _predicates(image_counts_by_day, dimension, values, first, last)
    counts = _counts_by(image_counts_by_day.c.day, values, predicates).subquery()
    query = select(counts).order_by(counts.c.key.desc()).limit(limit)
    return [(day, ImageCount(*map(int, count))) for day, *count in tx.execute(query)]


def locate_day(
    tx: Connection,
    dimension: Dimension,
    values: Sequence[str],
    *,
    offset: int,
    descending: bool,
    first: date | None = None,
    last: date | None = None,
) -> tuple[date, int] | None:
    """Return the day of the image at an offset, and the number of images on the days before it in the order.

    None: there are no more than `offset` images.
    """
    predicates = _predicates(image_counts_by_day, dimension, values, first, last)
    return _locate(tx, _counts_by(image_counts_by_day.c.day, values, predicates), offset=offset, descending=descending)


def locate_block(
    tx: Connection, dimension: Dimension, values: Sequence[str], *, offset: int, descending: bool
) -> tuple[int, int] | None:
    """Return the id block of the image at an offset, and the number of images in the blocks before it in the order.

    None: there are no more than `offset` images.
    """
    predicates = _predicates(image_counts_by_id_block, dimension, values, None, None)
    counts = _counts_by(image_counts_by_id_block.c.block, values, predicates)
    return _locate(tx, counts, offset=offset, descending=descending)


def _counts_by(column: Column[Any], values: Sequence[str], predicates: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return a query for (key, images, size_bytes): the sums over the values for each day or block."""
    columns = column.table.c
    if len(values) == 1:  # the rows are the sums
        query = select(column.label("key"), columns.images, columns.size_bytes)
        return query.where(*predicates, columns.images > 0)
    images, size_bytes = func.sum(columns.images), func.sum(columns.size_bytes)
    query = select(column.label("key"), images.label("images"), size_bytes.label("size_bytes"))
    return query.where(*predicates).group_by(column).having(images > 0)


def _locate(tx: Connection, counts: Select[Any], *, offset: int, descending: bool) -> tuple[Any, int] | None:
    by_key = counts.subquery()
    order = by_key.c.key.desc() if descending else by_key.c.key
    running_total = func.sum(by_key.c.images).over(order_by=order).label("running_total")
    running = select(by_key.c.key, by_key.c.images, running_total).subquery()
    query = select(running.c.key, running.c.running_total - running.c.images).where(running.c.running_total > offset)
    row = tx.execute(query.order_by(running.c.running_total, running.c.key).limit(1)).one_or_none()
    return None if row is None else (row[0], int(row[1]))


def _predicates(
    table: Table, dimension: Dimension, values: Sequence[str], first: date | None, last: date | None
) -> list[ColumnElement[bool]]:
    has_value = table.c.value == values[0] if len(values) == 1 else table.c.value.in_(values)
    predicates = [table.c.dimension == dimension, has_value]
    predicates += [] if first is None else [table.c.day >= first]
    return predicates + ([] if last is None else [table.c.day <= last])


Group = tuple[str, str, str, str | None, bool, date, int]
"""What a group of images has in common: MIME type, folder, job, camera, whether it has a location, day, id block."""


def _grouped(snapshots: Iterable[ImageSnapshot]) -> dict[Group, list[int]]:
    """Return [number, total size] of the images that agree in everything counted: most of a batch do."""
    groups: dict[Group, list[int]] = {}
    for image in snapshots:
        values = (image.mime_type, image.folder_id, image.job_id, image.camera, image.latitude is not None)
        group = (*values, image.sort_date.date(), image.id // BLOCK_SIZE)
        _add(groups, group, 1, image.size_bytes)
    return groups


def _counter_keys(group: Group) -> list[tuple[str, str]]:
    mime_type, folder_id, job_id, camera, has_location, *_ = group
    keys = [
        (Dimension.ALL.value, ""),
        (Dimension.TYPE.value, mime_type),
        (Dimension.FOLDER.value, folder_id),
        (Dimension.JOB.value, job_id),
        (Dimension.HAS_LOCATION.value, "1" if has_location else "0"),
    ]
    return keys if camera is None else [*keys, (Dimension.CAMERA.value, camera)]


def _add(sums: dict[Any, list[int]], key: object, count: int, size_bytes: int) -> None:
    entry = sums.setdefault(key, [0, 0])
    entry[0] += count
    entry[1] += size_bytes


@cache
def _increment_statement(table: Table, dialect: str) -> Executable:
    """Return a statement that adds to a counter, or creates it."""
    return upsert(
        table,
        dialect,
        key_columns=[column.name for column in table.primary_key.columns],
        assignments=lambda incoming: [(name, table.c[name] + incoming[name]) for name in ("images", "size_bytes")],
    )
