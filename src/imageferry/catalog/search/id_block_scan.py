"""Going through images in the order in which they were stored, over those that cannot be meant."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, select

from imageferry.catalog.database.tables import blocks, images, words
from imageferry.catalog.images.counters import BLOCK, Kind, month
from imageferry.catalog.search.filters import Filter, Sort, conditions, counted, equal, of_words
from imageferry.catalog.search.index_scan import Position, Walk

# Blocks of ids that are looked up for one page.
BLOCKS_MAX = 64
# Stretches of them that are looked at for one page, each by a query.
STRIDES_MAX = 16

Found = tuple[Sequence[int], Position | None]
"""Ids, and up to where everything was looked at; None: to the end, or until there were enough."""


def by_word(tx: Connection, wanted: Filter, sort: Sort, *, at: Position | None, limit: int, count: int) -> Found | None:
    """The first so many that have a word to the letter, looked for among `count`; None: it is no such word."""
    known = _word(tx, wanted)
    if known is None:
        return None
    word, rest = known
    led = words.alias("led")
    order = led.c.image_id.desc() if sort.descending else led.c.image_id
    query = select(led.c.image_id).where(led.c.word == word).order_by(order)
    if at is not None:
        query = query.where(led.c.image_id < at.image_id if sort.descending else led.c.image_id > at.image_id)
    end = None
    if not rest.is_empty:
        end = tx.execute(query.offset(count - 1).limit(1)).scalar()
        if end is not None:
            query = query.where(led.c.image_id >= end if sort.descending else led.c.image_id <= end)
        # With an offset it stays a question to each image.
        fits = select(images.c.id).where(images.c.id == led.c.image_id, *conditions(rest))
        query = query.where(fits.order_by(images.c.id).offset(0).exists())
    ids = tx.execute(query.limit(limit)).scalars().all()
    return ids, None if end is None or len(ids) >= limit else Position(value=end, image_id=end)


def by_blocks(
    tx: Connection, wanted: Filter, sort: Sort, walk: Walk, *, at: Position | None, limit: int, count: int
) -> Found:
    """The first so many that stand in blocks of ids which may hold some, looked for among about `count`."""
    strides, more = _strides(tx, wanted, sort, at=at, count=count)
    ids: list[int] = []
    for first, last in strides:
        within = images.c.id.between(min(first, last), max(first, last))
        ids += tx.execute(walk.ids(within, at=at).limit(limit - len(ids))).scalars()
        if len(ids) >= limit:
            return ids, None
    end = strides[-1][1] if more else None
    return ids, None if end is None else Position(value=end, image_id=end)


def beginning(tx: Connection, wanted: Filter, sort: Sort) -> Position | None:
    """Where the first of those blocks begins; None: there is none."""
    strides, _ = _strides(tx, wanted, sort, at=None, count=1)
    if not strides:
        return None
    edge = strides[0][0] + (1 if sort.descending else -1)
    return Position(value=edge, image_id=edge)


def _word(tx: Connection, wanted: Filter) -> tuple[str, Filter] | None:
    """A word that all of them have to the letter, and what else they have."""
    if not wanted.words:
        return None
    *whole, _ = wanted.words
    if whole:
        return whole[0], replace(wanted, words=wanted.words[1:])
    # The one that is begun, where only one word begins so.
    (of_begun,) = of_words(wanted)
    least, most = (tx.execute(select(of(words.c.word)).where(of_begun)).scalar() for of in (func.min, func.max))
    return (least, replace(wanted, words=None)) if least is not None and least == most else None


def _strides(
    tx: Connection, wanted: Filter, sort: Sort, *, at: Position | None, count: int
) -> tuple[list[tuple[int, int]], bool]:
    """Ids from one to another, in the order, that hold about so many images; and whether there are more of them."""
    query = _blocks(wanted, sort)
    if at is not None:
        down = sort.descending
        ahead = (at.image_id + (-1 if down else 1)) // BLOCK
        query = query.where(blocks.c.block <= ahead if down else blocks.c.block >= ahead)
    rows = tx.execute(query.limit(BLOCKS_MAX)).all()
    strides: list[tuple[int, int]] = []
    seen, before = 0, None
    for block, held in rows:
        edges = (block * BLOCK, block * BLOCK + BLOCK - 1)
        first, last = reversed(edges) if sort.descending else edges
        if before is not None and abs(block - before) == 1:
            strides[-1] = (strides[-1][0], last)
        elif len(strides) < STRIDES_MAX:
            strides.append((first, last))
        else:
            return strides, True
        seen, before = seen + held, block
        if seen >= count:
            break
    return strides, before is not None and (before != rows[-1].block or len(rows) == BLOCKS_MAX)


def _blocks(wanted: Filter, sort: Sort) -> Select[Any]:
    """The blocks of ids that hold some by each of the tallies, with how many images there are in each."""
    query = select(blocks.c.block, blocks.c.images).where(blocks.c.kind == Kind.ALL, blocks.c.value == literal(""))
    for kind, values, _ in counted(wanted):
        of_kind = blocks.alias()
        is_here = (of_kind.c.kind == kind, equal(of_kind.c.value, values), of_kind.c.block == blocks.c.block)
        query = query.where(exists().where(*is_here, of_kind.c.images > 0))
    if wanted.shown_from is not None or wanted.shown_to is not None:
        of_months = blocks.alias()
        among: list[ColumnElement[bool]] = [of_months.c.kind == Kind.MONTH, of_months.c.images > 0]
        among += [] if wanted.shown_from is None else [of_months.c.value >= month(wanted.shown_from)]
        among += [] if wanted.shown_to is None else [of_months.c.value <= month(wanted.shown_to)]
        query = query.where(blocks.c.block.in_(select(of_months.c.block).where(*among)))
    order = blocks.c.block.desc() if sort.descending else blocks.c.block
    return query.where(blocks.c.images > 0).order_by(order)
