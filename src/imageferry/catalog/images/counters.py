"""Tallies: how many images there are, and of how many bytes, without counting them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, literal, select
from sqlalchemy.sql import Executable

from imageferry.catalog.database.row_locks import holding
from imageferry.catalog.database.tables import blocks, days, tallies
from imageferry.catalog.database.upsert import upsert
from imageferry.catalog.images.snapshots import ImageState

# How many ids make a block.
BLOCK = 2_000


class Kind(StrEnum):
    """What a tally is of; its value says which one."""

    ALL = "all"  # every image
    TYPE = "type"  # a MIME type
    FOLDER = "folder"  # a folder's id
    JOB = "job"  # the job that stored it last
    CAMERA = "camera"  # a camera, where one is known
    LOCATED = "located"  # those whose place is known, by "1", and the others, by "0"
    MONTH = "month"  # the month that they stand at in the gallery, as 2026-11; by blocks of ids alone


class Tally(NamedTuple):
    """How many images, and their bytes."""

    images: int
    size_bytes: int


def lock(tx: Connection) -> None:
    """Let nobody else change images before this transaction ends.

    Whoever changes images changes the tally of all of them in any case; this at the beginning, and neither of two
    counts by what the other is about to change, nor can they wait for each other in a circle.
    """
    # SQLite has one writer at a time.
    if tx.dialect.name != "sqlite" and tx.execute(_LOCK).one_or_none() is None:
        tx.execute(_adding(tallies, tx.dialect.name), [{"kind": Kind.ALL, "value": "", "images": 0, "size_bytes": 0}])


_OF_ALL = (tallies.c.kind == literal(Kind.ALL.value), tallies.c.value == literal(""))
_LOCK = holding(select(tallies.c.images).where(*_OF_ALL), tallies)


def change(tx: Connection, *, before: Mapping[int, ImageState], after: Mapping[int, ImageState]) -> None:
    """Count images as they are now instead of as they were."""
    whole, by_day, by_block = dict[Any, list[int]](), dict[Any, list[int]](), dict[Any, list[int]]()
    for states, sign in ((after.values(), 1), (before.values(), -1)):
        for alike, (count, size_bytes) in _grouped(states).items():
            *_, day, block = alike
            for of in _values(alike):
                for sums, key in ((whole, of), (by_day, (*of, day)), (by_block, (*of, block))):
                    _add(sums, key, sign * count, sign * size_bytes)
            _add(by_block, (Kind.MONTH.value, month(day), block), sign * count, sign * size_bytes)
    for table, sums in ((tallies, whole), (days, by_day), (blocks, by_block)):
        names = table.primary_key.columns.keys()
        rows = [
            dict(zip((*names, "images", "size_bytes"), (*key, *by), strict=True))
            for key, by in sorted(sums.items())
            if by != [0, 0]
        ]
        if rows:
            tx.execute(_adding(table, tx.dialect.name), rows)


def month(day: date) -> str:
    """What images of a day are tallied by, too."""
    return day.isoformat()[:7]


def total(tx: Connection) -> Tally:
    """Of all images."""
    row = tx.execute(select(tallies.c.images, tallies.c.size_bytes).where(*_OF_ALL)).one_or_none()
    return Tally(0, 0) if row is None else Tally(*row)


def of(
    tx: Connection, kind: Kind, values: Sequence[str], *, first: date | None = None, last: date | None = None
) -> Tally:
    """Of these together; of these days and all between them."""
    table = tallies if first is None and last is None else days
    sums = (func.coalesce(func.sum(table.c.images), 0), func.coalesce(func.sum(table.c.size_bytes), 0))
    return Tally(*map(int, tx.execute(select(*sums).where(*_among(table, kind, values, first, last))).one()))


def every(tx: Connection, kind: Kind, *, limit: int) -> list[tuple[str, Tally]]:
    """The tallies of a kind, the greatest first."""
    query = select(tallies.c.value, tallies.c.images, tallies.c.size_bytes)
    query = query.where(tallies.c.kind == kind, tallies.c.images > 0)
    query = query.order_by(tallies.c.images.desc(), tallies.c.value).limit(limit)
    return [(value, Tally(*by)) for value, *by in tx.execute(query)]


def daily(
    tx: Connection,
    kind: Kind,
    values: Sequence[str],
    *,
    limit: int,
    first: date | None = None,
    last: date | None = None,
) -> list[tuple[date, Tally]]:
    """Of these together, by days, the newest first."""
    spread = _along(days.c.day, values, _among(days, kind, values, first, last)).subquery()
    query = select(spread).order_by(spread.c.at.desc()).limit(limit)
    return [(day, Tally(*map(int, by))) for day, *by in tx.execute(query)]


def day_at(
    tx: Connection,
    kind: Kind,
    values: Sequence[str],
    *,
    offset: int,
    descending: bool,
    first: date | None = None,
    last: date | None = None,
) -> tuple[date, int] | None:
    """The day on which the image stands that has so many before it, and how many stand on the days before it."""
    spread = _along(days.c.day, values, _among(days, kind, values, first, last))
    return _at(tx, spread, offset=offset, descending=descending)


def block_at(
    tx: Connection, kind: Kind, values: Sequence[str], *, offset: int, descending: bool
) -> tuple[int, int] | None:
    """The block of ids in which the image stands that has so many before it, and how many stand before the block."""
    spread = _along(blocks.c.block, values, _among(blocks, kind, values, None, None))
    return _at(tx, spread, offset=offset, descending=descending)


def _along(group: Column[Any], values: Sequence[str], among: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """How many there are at each day or block, of these together."""
    columns = group.table.c
    if len(values) == 1:  # then its rows are the sums
        return select(group.label("at"), columns.images, columns.size_bytes).where(*among, columns.images > 0)
    count, size_bytes = func.sum(columns.images), func.sum(columns.size_bytes)
    sums = select(group.label("at"), count.label("images"), size_bytes.label("size_bytes"))
    return sums.where(*among).group_by(group).having(count > 0)


def _at(tx: Connection, spread: Select[Any], *, offset: int, descending: bool) -> tuple[Any, int] | None:
    among = spread.subquery()
    order = among.c.at.desc() if descending else among.c.at
    reached = func.sum(among.c.images).over(order_by=order).label("reached")
    running = select(among.c.at, among.c.images, reached).subquery()
    query = select(running.c.at, running.c.reached - running.c.images).where(running.c.reached > offset)
    row = tx.execute(query.order_by(running.c.reached, running.c.at).limit(1)).one_or_none()
    return None if row is None else (row[0], int(row[1]))


def _among(
    table: Table, kind: Kind, values: Sequence[str], first: date | None, last: date | None
) -> list[ColumnElement[bool]]:
    among = [table.c.kind == kind, table.c.value == values[0] if len(values) == 1 else table.c.value.in_(values)]
    among += [] if first is None else [table.c.day >= first]
    return among + ([] if last is None else [table.c.day <= last])


Alike = tuple[str, str, str, str | None, bool, date, int]


def _grouped(states: Iterable[ImageState]) -> dict[Alike, list[int]]:
    """How many there are that are alike in all that is counted, and their bytes: nearly all of a batch are."""
    groups: dict[Alike, list[int]] = {}
    for state in states:
        located = state.latitude is not None
        of = (state.mime_type, state.folder_id, state.job_id, state.camera, located)
        alike = (*of, state.shown_at.date(), state.id // BLOCK)
        _add(groups, alike, 1, state.size_bytes)
    return groups


def _values(alike: Alike) -> list[tuple[str, str]]:
    mime_type, folder_id, job_id, camera, located, *_ = alike
    values = [
        (Kind.ALL.value, ""),
        (Kind.TYPE.value, mime_type),
        (Kind.FOLDER.value, folder_id),
        (Kind.JOB.value, job_id),
        (Kind.LOCATED.value, "1" if located else "0"),
    ]
    return values if camera is None else [*values, (Kind.CAMERA.value, camera)]


def _add(sums: dict[Any, list[int]], key: object, count: int, size_bytes: int) -> None:
    by = sums.setdefault(key, [0, 0])
    by[0] += count
    by[1] += size_bytes


@cache
def _adding(table: Table, dialect: str) -> Executable:
    """Add to what is counted, whether it is there or not."""
    return upsert(
        table,
        dialect,
        identity=[column.name for column in table.primary_key.columns],
        changes=lambda fresh: [(name, table.c[name] + fresh[name]) for name in ("images", "size_bytes")],
    )
