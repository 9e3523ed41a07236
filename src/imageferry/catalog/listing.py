"""Lists of images: a page of what a filter leaves, in an order, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from imageferry.catalog import tallies
from imageferry.catalog.few import few
from imageferry.catalog.filters import Filter, Sort, conditions, dimension, of_words
from imageferry.catalog.images import ImageRow
from imageferry.catalog.tables import images, words
from imageferry.catalog.tallies import BLOCK
from imageferry.catalog.walk import Position, beyond, gathered, lead, sorted_among, walk
from imageferry.errors import Reason, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a list looks, in images."""

    few: int = 3_000  # so many are looked at one by one; of what is more common, a page is soon full
    seen: int = 5_000  # of a filter that no tally counts; with more, its total is "at least"
    of_word: int = 20_000  # of a word alone; the same
    passed: int = 2_000  # of those before a page; with more, it begins where the tallies tell
    looked_at: int = 200_000  # for one page, where the tallies do not tell; what is further behind is refused
    searched: int = 20_000  # before a page of a filter that no tally counts; what is further behind is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many images a filter leaves."""

    images: int
    exact: bool = True  # False: at least so many


USUAL = Reach()


def position(row: ImageRow, sort: Sort) -> Position:
    """Where a record stands in an order."""
    return Position(value=getattr(row, sort.column.name), image_id=row.id)


class Listing:
    """What a filter leaves, within one transaction."""

    def __init__(self, tx: Connection, wanted: Filter, *, reach: Reach = USUAL) -> None:
        self._tx = tx
        self._wanted = wanted
        self._dimension = dimension(wanted)
        self._few = None if wanted.is_empty else few(tx, wanted, at_most=reach.few)
        self._reach = reach

    def total(self) -> Total:
        """How many there are."""
        if self._few is not None:
            ids = sorted_among(self._tx, self._few, self._wanted, Sort.CREATED).order_by(None)
            return Total(images=self._tx.execute(select(func.count()).select_from(ids.subquery())).scalar_one())
        if self._dimension is not None:
            kind, values = self._dimension
            return Total(images=tallies.of(self._tx, kind, values, **self._days).images)
        word = of_words(self._wanted)
        return (
            self._of_word(word[0])
            if self._wanted == Filter(words=self._wanted.words) and len(word) == 1
            else self._seen()
        )

    def page(self, sort: Sort, *, limit: int, offset: int = 0, total: Total | None = None) -> Sequence[ImageRow]:
        """Those that stand at an offset; with an exact total, the end is as near as the beginning.

        One that is further behind than the reach raises UsageError.
        """
        near = self._near(sort, offset) if offset > self._reach.passed and self._few is None else None
        if near is not None:
            beginning, before = near
            return self._rows(self._ids(sort, beginning, limit=limit, offset=offset - before))
        if total is not None and total.exact and offset > total.images // 2:
            left = max(total.images - offset, 0)
            return self._rows(self._ids(sort.reversed, limit=min(limit, left), offset=max(left - limit, 0))[::-1])
        return self._rows(self._ids(sort, limit=limit, offset=offset))

    def after(self, sort: Sort, *, limit: int, at: Position | None = None) -> Sequence[ImageRow]:
        """Those that follow a position, or the first ones; as fast anywhere."""
        return self._rows(self._ids(sort, *(() if at is None else (beyond(self._tx, sort, at),)), limit=limit))

    @property
    def _days(self) -> dict[str, date | None]:
        return {"first": self._wanted.shown_from, "last": self._wanted.shown_to}

    def _ids(self, sort: Sort, *more: ColumnElement[bool], limit: int, offset: int = 0) -> Sequence[int]:
        # Rows are read for what is shown alone: what is skipped is skipped within an index.
        query = self._way(sort, offset=0 if more else offset)
        return self._tx.execute(query.where(*more).limit(limit).offset(offset)).scalars().all() if limit > 0 else ()

    def _way(self, sort: Sort, *, offset: int) -> Select[Any]:
        """The ids in an order, in the way that is shorter; UsageError when an offset is too far behind by either."""
        if self._few is not None:
            return sorted_among(self._tx, self._few, self._wanted, sort)
        walked = walk(self._tx, self._wanted, sort)
        if offset == 0 or lead(self._wanted, sort)[1] == self._wanted:
            return walked
        if self._dimension is None:
            if offset > self._reach.searched:
                raise _too_far()
            return walked
        left, there = self.total().images, tallies.total(self._tx).images
        gone_by = offset * there // max(left, 1)  # where they are spread evenly
        if min(left, gone_by) > self._reach.looked_at:
            raise _too_far()
        # To look one up costs more than to pass one.
        return gathered(self._tx, self._wanted, sort) if 2 * left < gone_by else walked

    def _rows(self, ids: Sequence[int]) -> Sequence[ImageRow]:
        found = {row.id: row for row in self._tx.execute(select(images).where(images.c.id.in_(ids)))} if ids else {}
        return [found[image_id] for image_id in ids]

    def _near(self, sort: Sort, offset: int) -> tuple[ColumnElement[bool], int] | None:
        """A place shortly before an offset, and how many stand before it; None: the tallies do not tell."""
        down = sort.descending
        if self._dimension is None:
            return None
        kind, values = self._dimension
        if sort.column is images.c.id and not any(self._days.values()):
            block = tallies.block_at(self._tx, kind, values, offset=offset, descending=down)
            if block is not None:
                number, before = block
                return images.c.id < (number + 1) * BLOCK if down else images.c.id >= number * BLOCK, before
        if sort.column is images.c.shown_at:
            day = tallies.day_at(self._tx, kind, values, offset=offset, descending=down, **self._days)
            if day is not None:
                at, before = day
                shown_at = images.c.shown_at
                edge = datetime.combine(at, time.max if down else time.min)
                return shown_at <= edge if down else shown_at >= edge, before
        return None

    def _of_word(self, of_word: ColumnElement[bool]) -> Total:
        some = select(words.c.image_id).where(of_word).limit(self._reach.of_word).subquery()
        query = select(func.count(), func.count(some.c.image_id.distinct())).select_from(some)
        seen, found = self._tx.execute(query).one()
        return Total(images=found, exact=seen < self._reach.of_word)

    def _seen(self) -> Total:
        """Look at as many as is reasonable."""
        _, led = lead(self._wanted, Sort.SHOWN_DESC)
        some = walk(self._tx, led, Sort.SHOWN_DESC).limit(self._reach.seen).subquery()
        fitting = func.coalesce(func.sum(case((and_(*conditions(self._wanted)), 1), else_=0)), 0)
        query: Select[Any] = select(func.count(), fitting).select_from(images.join(some, some.c.id == images.c.id))
        seen, found = self._tx.execute(query).one()
        return Total(images=int(found), exact=seen < self._reach.seen)


def _too_far() -> UsageError:
    message = (
        "A page so far behind takes too long to find, in this order of what has these conditions: go on by cursors."
    )
    return UsageError(Reason.MISCONFIGURED, message)
