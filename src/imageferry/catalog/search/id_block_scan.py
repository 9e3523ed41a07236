"""Read images in id order, skipping ids that can't match: by the counters of id blocks, or by a word."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, select

from imageferry.catalog.database.tables import image_counts_by_id_block, image_words, images
from imageferry.catalog.images.counters import BLOCK_SIZE, Dimension, month_of
from imageferry.catalog.search.filters import Filter, Sort, counted_predicates, equals_any, predicates, word_predicates
from imageferry.catalog.search.index_scan import IndexScan, Position

# Blocks whose counters are read for one page.
BLOCKS_MAX = 64
# Ranges of adjacent blocks that are scanned for one page, each by one query.
RANGES_MAX = 16

ScanResult = tuple[Sequence[int], Position | None]
"""Matching ids, and the position to continue from; None: at the end, or `limit` was reached."""


def scan_word(
    tx: Connection, image_filter: Filter, sort: Sort, *, after: Position | None, limit: int, count: int
) -> ScanResult | None:
    """Scan the index entries of one complete word of the filter in id order; look at `count` of them.

    Return up to `limit` matching ids. None: the filter has no word that is complete.
    """
    complete_word = _complete_word(tx, image_filter)
    if complete_word is None:
        return None
    word, rest = complete_word
    entries = image_words.alias("entries")
    order = entries.c.image_id.desc() if sort.is_descending else entries.c.image_id
    query = select(entries.c.image_id).where(entries.c.word == word).order_by(order)
    if after is not None:
        is_after = entries.c.image_id < after.image_id if sort.is_descending else entries.c.image_id > after.image_id
        query = query.where(is_after)
    last_id = None
    if not rest.is_empty:
        last_id = tx.execute(query.offset(count - 1).limit(1)).scalar()
        if last_id is not None:
            is_scanned = entries.c.image_id >= last_id if sort.is_descending else entries.c.image_id <= last_id
            query = query.where(is_scanned)
        # OFFSET keeps it a subquery that runs once per entry.
        matches = select(images.c.id).where(images.c.id == entries.c.image_id, *predicates(rest))
        query = query.where(matches.order_by(images.c.id).offset(0).exists())
    ids = tx.execute(query.limit(limit)).scalars().all()
    return ids, None if last_id is None or len(ids) >= limit else Position(value=last_id, image_id=last_id)


def scan_blocks(
    tx: Connection,
    image_filter: Filter,
    sort: Sort,
    scan: IndexScan,
    *,
    after: Position | None,
    limit: int,
    count: int,
) -> ScanResult:
    """Scan images in id order, skipping blocks of BLOCK_SIZE ids whose counters say that they hold no match.

    Look at about `count` images; return up to `limit` matching ids.
    """
    ranges, has_more = _id_ranges(tx, image_filter, sort, after=after, count=count)
    ids: list[int] = []
    for first, last in ranges:
        in_range = images.c.id.between(min(first, last), max(first, last))
        ids += tx.execute(scan.ids(in_range, after=after).limit(limit - len(ids))).scalars()
        if len(ids) >= limit:
            return ids, None
    last_id = ranges[-1][1] if has_more else None
    return ids, None if last_id is None else Position(value=last_id, image_id=last_id)


def first_block(tx: Connection, image_filter: Filter, sort: Sort) -> Position | None:
    """Return the position just before the first block that may hold a match; None: no block may."""
    ranges, _ = _id_ranges(tx, image_filter, sort, after=None, count=1)
    if not ranges:
        return None
    previous_id = ranges[0][0] + (1 if sort.is_descending else -1)
    return Position(value=previous_id, image_id=previous_id)


def _complete_word(tx: Connection, image_filter: Filter) -> tuple[str, Filter] | None:
    """Return a complete word that all matches have, and the rest of the filter; None: there is none."""
    if not image_filter.words:
        return None
    *complete, _ = image_filter.words
    if complete:
        return complete[0], replace(image_filter, words=image_filter.words[1:])
    # The prefix, where only one word has it.
    (matches_prefix,) = word_predicates(image_filter)
    first, last = (
        tx.execute(select(aggregate(image_words.c.word)).where(matches_prefix)).scalar()
        for aggregate in (func.min, func.max)
    )
    return (first, replace(image_filter, words=None)) if first is not None and first == last else None


def _id_ranges(
    tx: Connection, image_filter: Filter, sort: Sort, *, after: Position | None, count: int
) -> tuple[list[tuple[int, int]], bool]:
    """Return ranges of ids that may match, in order, with about `count` images; and whether more ranges follow.

    Each range is (first id, last id) in the sort order, so the first id is the larger one if it is descending.
    """
    query = _blocks_that_may_match(image_filter, sort)
    descending = sort.is_descending
    if after is not None:
        next_block = (after.image_id + (-1 if descending else 1)) // BLOCK_SIZE
        number = image_counts_by_id_block.c.block
        query = query.where(number <= next_block if descending else number >= next_block)
    rows = tx.execute(query.limit(BLOCKS_MAX)).all()
    ranges: list[tuple[int, int]] = []
    seen, previous = 0, None
    for block, block_images in rows:
        ids = (block * BLOCK_SIZE, block * BLOCK_SIZE + BLOCK_SIZE - 1)
        first, last = reversed(ids) if descending else ids
        if previous is not None and abs(block - previous) == 1:
            ranges[-1] = (ranges[-1][0], last)
        elif len(ranges) < RANGES_MAX:
            ranges.append((first, last))
        else:
            return ranges, True
        seen, previous = seen + block_images, block
        if seen >= count:
            break
    return ranges, previous is not None and (previous != rows[-1].block or len(rows) == BLOCKS_MAX)


def _blocks_that_may_match(image_filter: Filter, sort: Sort) -> Select[Any]:
    """Return a query for (block, number of images) of the blocks where every counted condition has a match."""
    blocks = image_counts_by_id_block.c
    query = select(blocks.block, blocks.images).where(blocks.dimension == Dimension.ALL, blocks.value == literal(""))
    for dimension, values, _ in counted_predicates(image_filter):
        counter = image_counts_by_id_block.alias()
        is_counter = (
            counter.c.dimension == dimension,
            equals_any(counter.c.value, values),
            counter.c.block == blocks.block,
        )
        query = query.where(exists().where(*is_counter, counter.c.images > 0))
    if image_filter.date_from is not None or image_filter.date_to is not None:
        month = image_counts_by_id_block.alias()
        in_months: list[ColumnElement[bool]] = [month.c.dimension == Dimension.MONTH, month.c.images > 0]
        in_months += [] if image_filter.date_from is None else [month.c.value >= month_of(image_filter.date_from)]
        in_months += [] if image_filter.date_to is None else [month.c.value <= month_of(image_filter.date_to)]
        query = query.where(blocks.block.in_(select(month.c.block).where(*in_months)))
    order = blocks.block.desc() if sort.is_descending else blocks.block
    return query.where(blocks.images > 0).order_by(order)
