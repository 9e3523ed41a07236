"""Counting images anew, to hold the tallies against it or to write them again."""

from typing import Any

from sqlalchemy import Connection, Date, Select, String, Table, case, cast, delete, func, literal, select

from imageferry.catalog.database.tables import blocks, days, images, tallies
from imageferry.catalog.images.counters import BLOCK, Kind, lock, total
from imageferry.catalog.images.records import newest_id

# So many of the newest are counted to see whether the tallies fit.
BLOCKS_LOOKED_AT = 10


def recount(tx: Connection) -> None:
    """Write every tally anew."""
    lock(tx)
    for table in (blocks, days, tallies):
        tx.execute(delete(table))
    for kind, table in _SPREADS:
        tx.execute(table.insert().from_select(table.c.keys(), _spread(kind, over=table)))
    tx.execute(tallies.insert().from_select(tallies.c.keys(), _whole()))


def fits(tx: Connection) -> bool:
    """Whether the tallies fit each other and the newest images: a look that is as short for any number of images."""
    newest_block = newest_id(tx) // BLOCK
    looked_at = range(max(newest_block - BLOCKS_LOOKED_AT + 1, 0), newest_block + 1)
    of_all = (blocks.c.kind == literal(Kind.ALL.value), blocks.c.value == literal(""))
    in_all = select(func.coalesce(func.sum(blocks.c.images), 0)).where(*of_all)
    kept = select(blocks.c.block, blocks.c.images).where(*of_all, blocks.c.block >= looked_at[0])
    block = images.c.id // BLOCK
    there = select(block, func.count()).where(images.c.id >= looked_at[0] * BLOCK).group_by(block)
    told, true = ({int(of): int(count) for of, count in tx.execute(query) if count} for query in (kept, there))
    return told == true and int(tx.execute(in_all).scalar_one()) == total(tx).images


def differences(tx: Connection) -> set[tuple[Any, ...]]:
    """Tallies that are not what counting tells, either of them; none: all is well."""
    kept = [tx.execute(select(table).where(table.c.images > 0)) for table in (days, blocks, tallies)]
    counted = [tx.execute(_spread(kind, over=table)) for kind, table in _SPREADS]
    counted.append(tx.execute(_whole()))
    told, true = ({tuple(map(str, row)) for rows in results for row in rows} for results in (kept, counted))
    return told ^ true


_SPREADS = [(kind, blocks) for kind in Kind] + [(kind, days) for kind in Kind if kind is not Kind.MONTH]


def _spread(kind: Kind, *, over: Table) -> Select[Any]:
    value: Any = {
        Kind.TYPE: images.c.mime_type,
        Kind.FOLDER: images.c.folder_id,
        Kind.JOB: images.c.job_id,
        Kind.CAMERA: images.c.camera,
        Kind.MONTH: func.substring(cast(func.date(images.c.shown_at, type_=Date), String(10)), 1, 7),
        Kind.LOCATED: case((images.c.latitude.is_(None), "0"), else_="1"),
    }.get(kind, literal(""))
    at: Any = func.date(images.c.shown_at, type_=Date) if over is days else images.c.id // BLOCK
    counted: tuple[Any, ...] = (literal(kind.value), value, at, func.count(), func.sum(images.c.size_bytes))
    query = select(*counted).group_by(*([at] if kind is Kind.ALL else [value, at]))
    return query.where(images.c.camera.is_not(None)) if kind is Kind.CAMERA else query


def _whole() -> Select[Any]:
    sums = (func.sum(days.c.images), func.sum(days.c.size_bytes))
    return select(days.c.kind, days.c.value, *sums).group_by(days.c.kind, days.c.value).having(sums[0] > 0)
