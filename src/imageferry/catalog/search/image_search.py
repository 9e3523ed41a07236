"""Lists of images: a page of what a filter leaves, in an order, and how many there are.

Whatever is asked, a bounded number of images is looked at.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cached_property
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from imageferry.catalog.database.tables import images, words
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import BLOCK
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search import id_block_scan
from imageferry.catalog.search.filters import Filter, Sort, dimension, of_words
from imageferry.catalog.search.index_scan import Position, Walk, beyond, sorted_among
from imageferry.catalog.search.rare_conditions import counts, few
from imageferry.errors import Reason, UsageError


class Reach(Struct, frozen=True, kw_only=True):
    """How far a list looks, in images: what is looked up one by one takes some 2 us each, keys of an index 0.1 us."""

    few: int = 8_000  # so many are looked at one by one; of what is more common, a page is soon full
    looked_at: int = 12_000  # for one page, where an index does not tell what is wanted
    keys: int = 60_000  # the same, where keys of names tell most of it
    stored: int = 20_000  # the same, in the order in which they were stored: neighbours are read together
    newest: int = 4_000  # for a total or a timeline of what no tally counts; with more, it is "at least"
    of_word: int = 20_000  # for the total of a word alone; the same
    passed: int = 2_000  # before a page; with more, it begins where the tallies tell
    skipped: int = 500_000  # before a page, within an index that has what is wanted and nothing else


class Total(Struct, frozen=True, kw_only=True):
    """How many images a filter leaves."""

    images: int
    exact: bool = True  # False: at least so many


class Stretch(Struct, frozen=True, kw_only=True):
    """Images that follow one another in a list."""

    rows: Sequence[ImageRow]
    end: Position | None  # behind which it goes on, however few they are; None: that was all


USUAL = Reach()
# Ids are greater than 0, and smaller than this.
ID_MAX = 2**63 - 1


def position(row: ImageRow, sort: Sort) -> Position:
    """Where a record stands in an order."""
    return Position(value=getattr(row, sort.column.name), image_id=row.id)


class Listing:
    """What a filter leaves, within one transaction."""

    def __init__(self, tx: Connection, wanted: Filter, *, reach: Reach = USUAL) -> None:
        self._tx = tx
        self._wanted = wanted
        self._reach = reach
        self._dimension = dimension(wanted)
        self._told = counts(tx, wanted)
        self._few_found: int | None = None  # once they were looked at

    @cached_property
    def _few(self) -> Select[int] | None:
        return None if self._wanted.is_empty else few(self._tx, self._wanted, self._told, at_most=self._reach.few)

    def total(self) -> Total:
        """How many there are."""
        if self._dimension is not None:
            kind, values = self._dimension
            return Total(images=counters.of(self._tx, kind, values, **self._days).images)
        if self._few is not None:
            if self._few_found is None:
                self._few_found = len(self._among(self._few, Sort.CREATED))
            return Total(images=self._few_found)
        word = of_words(self._wanted)
        if self._wanted == Filter(words=self._wanted.words) and len(word) == 1:
            return self._of_word(word[0])
        some, exact = self.newest(self._reach.newest)
        query = select(func.count()).select_from(some.order_by(None).subquery())
        return Total(images=self._tx.execute(query).scalar_one(), exact=exact)

    def newest(self, count: int) -> tuple[Select[Any], bool]:
        """The ids of what is wanted of the newest images, of about so many; True: they are all there are."""
        if self._few is not None:
            return sorted_among(self._tx, self._few, self._wanted, Sort.SHOWN_DESC), True
        walk = self._walk(Sort.SHOWN_DESC)
        end = walk.end(count=count)
        return walk.ids(end=end), end is None

    def page(self, sort: Sort, *, limit: int, offset: int = 0) -> Sequence[ImageRow]:
        """Those that stand at an offset; where the total is exact, the end is as near as the beginning.

        One that is further behind than the reach raises UsageError.
        """
        if offset == 0:
            return self._first(sort, limit)
        if self._few is not None and not self._walk(sort).is_direct:
            return self._rows([row.id for row in self._among(self._few, sort)[offset : offset + limit]])
        is_far = offset > self._reach.passed or not self._walk(sort).is_direct
        near = self._near(sort, offset) if is_far else None
        if near is not None:
            at, before = near
            return self._rows(self._ids(self._walk(sort).ids(at=at), limit=limit, offset=offset - before))
        total = self.total()
        if total.exact and offset > total.images // 2:
            left = max(total.images - offset, 0)
            return self._rows(self._far(sort.reversed, limit=min(limit, left), offset=max(left - limit, 0))[::-1])
        return self._rows(self._far(sort, limit=limit, offset=offset))

    def after(self, sort: Sort, *, limit: int, at: Position | None = None) -> Stretch:
        """Those that follow a position, or the first ones; as fast anywhere.

        They may be fewer than `limit`, or none, although more follow: `end` tells.
        """
        # One more than is shown tells whether there are more.
        ids, end = self._following(sort, limit=limit + 1, at=at)
        rows = self._rows(ids[:limit])
        return Stretch(rows=rows, end=position(rows[-1], sort) if rows and len(ids) > limit else end)

    @property
    def _days(self) -> dict[str, date | None]:
        return {"first": self._wanted.shown_from, "last": self._wanted.shown_to}

    def _walk(self, sort: Sort) -> Walk:
        return Walk(self._tx, self._wanted, sort, self._told)

    def _first(self, sort: Sort, limit: int) -> Sequence[ImageRow]:
        if sort.column is images.c.name_key and self._few is None:
            # However far it is to the last of them, one look finds the place, where bounded ones find each end first.
            return self._rows(self._ids(self._walk(sort).ids(), limit=limit))
        rows: list[ImageRow] = []
        at = None
        while len(rows) < limit:
            stretch = self.after(sort, limit=limit - len(rows), at=at)
            rows += stretch.rows
            at = stretch.end
            if at is None:
                break
        return rows

    def _following(self, sort: Sort, *, limit: int, at: Position | None) -> id_block_scan.Found:
        walk = self._walk(sort)
        if walk.is_direct:
            return self._ids(walk.ids(at=at), limit=limit), None
        if self._few is not None:
            return [row.id for row in self._among(self._few, sort, at) if row.ahead][:limit], None
        if sort.column is images.c.id:
            of_word = id_block_scan.by_word(
                self._tx, self._wanted, sort, at=at, limit=limit, count=self._reach.looked_at
            )
            if of_word is not None:
                return of_word
            return id_block_scan.by_blocks(
                self._tx, self._wanted, sort, walk, at=at, limit=limit, count=self._reach.stored
            )
        end = walk.end(at=at, count=self._looked_at(sort))
        ids = self._ids(walk.ids(at=at, end=end), limit=limit)
        return ids, None if len(ids) >= limit else end

    def _far(self, sort: Sort, *, limit: int, offset: int) -> Sequence[int]:
        walk = self._walk(sort)
        if walk.is_direct and offset <= self._reach.skipped:
            return self._ids(walk.ids(), limit=limit, offset=offset)
        at = id_block_scan.beginning(self._tx, self._wanted, sort) if sort.column is images.c.id else None
        end = walk.end(at=at, count=self._looked_at(sort))
        ids = self._ids(walk.ids(at=at, end=end), limit=limit, offset=offset)
        if len(ids) < limit and end is not None:
            raise UsageError(Reason.MISCONFIGURED, _TOO_FAR)
        return ids

    def _looked_at(self, sort: Sort) -> int:
        if sort.column is images.c.name_key and self._wanted.words:
            return self._reach.keys
        return self._reach.looked_at

    def _among(self, some: Select[int], sort: Sort, at: Position | None = None) -> Sequence[Any]:
        """All that is wanted of a few, each with whether it stands behind a position."""
        ahead = literal(1) if at is None else beyond(self._tx, sort, at)
        query = sorted_among(self._tx, some, self._wanted, sort, ahead.label("ahead"))
        found = self._tx.execute(query).all()
        self._few_found = len(found)
        return found

    def _ids(self, query: Select[Any], *, limit: int, offset: int = 0) -> Sequence[int]:
        # Rows are read for what is shown alone: what is skipped is skipped within an index.
        return self._tx.execute(query.limit(limit).offset(offset)).scalars().all() if limit > 0 else ()

    def _rows(self, ids: Sequence[int]) -> Sequence[ImageRow]:
        found = {row.id: row for row in self._tx.execute(select(images).where(images.c.id.in_(ids)))} if ids else {}
        # What was deleted meanwhile is passed over.
        return [found[image_id] for image_id in ids if image_id in found]

    def _near(self, sort: Sort, offset: int) -> tuple[Position, int] | None:
        """A place shortly before an offset, and how many stand before it; None: the tallies do not tell."""
        down = sort.descending
        if self._dimension is None:
            return None
        kind, values = self._dimension
        if sort.column is images.c.id and not any(self._days.values()):
            block = counters.block_at(self._tx, kind, values, offset=offset, descending=down)
            if block is not None:
                number, before = block
                edge = (number + 1) * BLOCK if down else number * BLOCK - 1
                return Position(value=edge, image_id=edge), before
        if sort.column is images.c.shown_at:
            day = counters.day_at(self._tx, kind, values, offset=offset, descending=down, **self._days)
            if day is not None:
                at, before = day
                edge_at = datetime.combine(at, time.max if down else time.min)
                return Position(value=edge_at, image_id=ID_MAX if down else 0), before
        return None

    def _of_word(self, of_word: ColumnElement[bool]) -> Total:
        some = select(words.c.image_id).where(of_word).limit(self._reach.of_word).subquery()
        query = select(func.count(), func.count(some.c.image_id.distinct())).select_from(some)
        seen, found = self._tx.execute(query).one()
        return Total(images=found, exact=seen < self._reach.of_word)


_TOO_FAR = (
    "A page so far behind takes too long to find, in this order of what has these conditions: go on by cursors, "
    "with `limit` instead of `page`."
)
