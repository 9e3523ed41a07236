"""Image search: pages and the total of the images that match a filter, in a sort order.

Every search reads a bounded number of images. docs/decisions/0020 has which plan is chosen when, and what it costs.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Self

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, select

from imageferry.catalog.database.tables import image_words, images
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import BLOCK_SIZE, Dimension
from imageferry.catalog.images.records import ImageRow
from imageferry.catalog.search import id_block_scan
from imageferry.catalog.search.filters import Filter, Sort, single_dimension, word_predicates
from imageferry.catalog.search.index_scan import IndexScan, Position, after_position, sorted_candidates
from imageferry.catalog.search.rare_conditions import condition_counts, rare_candidates
from imageferry.errors import Reason, UsageError


class ScanLimits(Struct, frozen=True, kw_only=True):
    """How many images or index entries a search reads. An image takes about 2 us, an index entry 0.1 us."""

    candidates_max: int = 8_000  # images with a rare condition, all of them read; a more common one soon fills a page
    scanned_max: int = 12_000  # index entries for one page, where the index doesn't answer the whole filter
    name_keys_max: int = 60_000  # the same, where the name keys in the index exclude most images
    scanned_by_id_max: int = 20_000  # the same, in id order: neighbouring rows are read together
    newest_max: int = 4_000  # for a total or timeline that no counter has; beyond, it is "at least"
    word_total_max: int = 20_000  # for the total of a single word; beyond, it is "at least"
    uncounted_offset_max: int = 2_000  # skipped entries before a page; beyond, counters locate where it starts
    index_offset_max: int = 500_000  # skipped entries before a page, in an index that answers the whole filter


class Total(Struct, frozen=True, kw_only=True):
    """The number of images that match a filter."""

    images: int
    exact: bool = True  # False: there are at least this many


class PageSlice(Struct, frozen=True, kw_only=True):
    """Consecutive matches in a sort order."""

    rows: Sequence[ImageRow]
    next_position: Position | None  # continue after it, even if there are no rows; None: these were the last ones


DEFAULT_LIMITS = ScanLimits()
# Ids are larger than 0 and smaller than this.
ID_MAX = 2**63 - 1


def position_of(row: ImageRow, sort: Sort) -> Position:
    """Return the position of a record in a sort order."""
    return Position(value=getattr(row, sort.column.name), image_id=row.id)


class ImageSearch:
    """The images that match a filter, within one transaction; `open` creates it."""

    def __init__(
        self, tx: Connection, image_filter: Filter, counts: Mapping[Dimension, int], *, limits: ScanLimits
    ) -> None:
        self._tx = tx
        self._filter = image_filter
        self._condition_counts = counts
        self._limits = limits
        self._dimension = single_dimension(image_filter)
        self._has_probed = False
        self._candidates: Select[int] | None = None  # once `_rare_candidates` has probed
        self._candidate_matches: int | None = None  # once the candidates were read

    @classmethod
    def open(cls, tx: Connection, image_filter: Filter, *, limits: ScanLimits = DEFAULT_LIMITS) -> Self:
        """Read the counts of the filter's conditions, one query each, and return the search."""
        return cls(tx, image_filter, condition_counts(tx, image_filter), limits=limits)

    def total(self) -> Total:
        """Return how many images match."""
        if self._dimension is not None:
            dimension, values = self._dimension
            return Total(images=counters.count_of(self._tx, dimension, values, **self._days).images)
        candidates = self._rare_candidates()
        if candidates is not None:
            if self._candidate_matches is None:
                self._candidate_matches = len(self._matching_candidates(candidates, Sort.CREATED))
            return Total(images=self._candidate_matches)
        words = word_predicates(self._filter)
        if self._filter == Filter(words=self._filter.words) and len(words) == 1:
            return self._word_total(words[0])
        newest, exact = self.newest_ids(self._limits.newest_max)
        query = select(func.count()).select_from(newest.order_by(None).subquery())
        return Total(images=self._tx.execute(query).scalar_one(), exact=exact)

    def newest_ids(self, count: int) -> tuple[Select[Any], bool]:
        """Return a query for the ids of the newest matches, and whether these are all matches.

        If they are not, they are the matches among the newest `count` entries of the index.
        """
        candidates = self._rare_candidates()
        if candidates is not None:
            return sorted_candidates(self._tx, candidates, self._filter, Sort.DATE_DESC), True
        scan = self._index_scan(Sort.DATE_DESC)
        last = scan.scan_end(count=count)
        return scan.ids(last=last), last is None

    def page(self, sort: Sort, *, limit: int, offset: int = 0) -> Sequence[ImageRow]:
        """Return the matches at an offset; with an exact total, the last pages cost as little as the first.

        Raise UsageError if the offset is too large to reach within the limits.
        """
        if offset == 0:
            return self._first_page(sort, limit)
        scan, candidates = self._index_scan(sort), self._rare_candidates()
        if candidates is not None and not scan.is_direct:
            matches = self._matching_candidates(candidates, sort)
            return self._fetch_rows([row.id for row in matches[offset : offset + limit]])
        is_far = offset > self._limits.uncounted_offset_max or not scan.is_direct
        located = self._locate_offset(sort, offset) if is_far else None
        if located is not None:
            position, before = located
            return self._fetch_rows(self._fetch_ids(scan.ids(after=position), limit=limit, offset=offset - before))
        total = self.total()
        if total.exact and offset > total.images // 2:
            left = max(total.images - offset, 0)
            ids = self._ids_at_offset(sort.reverse, limit=min(limit, left), offset=max(left - limit, 0))
            return self._fetch_rows(ids[::-1])
        return self._fetch_rows(self._ids_at_offset(sort, limit=limit, offset=offset))

    def page_after(self, sort: Sort, *, limit: int, after: Position | None = None) -> PageSlice:
        """Return the matches after a position, or the first ones; equally fast at any position.

        There may be fewer than `limit`, or none, although more follow: see `next_position`.
        """
        # One more than requested, to know whether there are more.
        ids, next_position = self._ids_after(sort, limit=limit + 1, after=after)
        rows = self._fetch_rows(ids[:limit])
        if rows and len(ids) > limit:
            next_position = position_of(rows[-1], sort)
        return PageSlice(rows=rows, next_position=next_position)

    def full_page_after(self, sort: Sort, *, limit: int, after: Position | None = None) -> PageSlice:
        """Return what `page_after` does, but fewer than `limit` only at the end, however much has to be read."""
        rows: list[ImageRow] = []
        while True:
            page = self.page_after(sort, limit=limit - len(rows), after=after)
            rows += page.rows
            after = page.next_position
            if after is None or len(rows) >= limit:
                return PageSlice(rows=rows, next_position=after)

    @property
    def _days(self) -> dict[str, date | None]:
        return {"first": self._filter.date_from, "last": self._filter.date_to}

    def _index_scan(self, sort: Sort) -> IndexScan:
        return IndexScan(self._tx, self._filter, sort, self._condition_counts)

    def _rare_candidates(self) -> Select[int] | None:
        """Return the query of `rare_candidates`; probes the conditions on the first call."""
        if not self._has_probed and not self._filter.is_empty:
            limit = self._limits.candidates_max
            self._candidates = rare_candidates(self._tx, self._filter, self._condition_counts, limit=limit)
        self._has_probed = True
        return self._candidates

    def _first_page(self, sort: Sort, limit: int) -> Sequence[ImageRow]:
        if sort.column is images.c.name_key and self._rare_candidates() is None:
            # One unbounded scan: bounded ones would have to find the end of each scan first.
            return self._fetch_rows(self._fetch_ids(self._index_scan(sort).ids(), limit=limit))
        return self.full_page_after(sort, limit=limit).rows

    def _ids_after(self, sort: Sort, *, limit: int, after: Position | None) -> id_block_scan.ScanResult:
        scan = self._index_scan(sort)
        if scan.is_direct:
            return self._fetch_ids(scan.ids(after=after), limit=limit), None
        candidates = self._rare_candidates()
        if candidates is not None:
            matches = self._matching_candidates(candidates, sort, after)
            return [row.id for row in matches if row.is_after][:limit], None
        if sort.column is images.c.id:
            by_word = id_block_scan.scan_word(
                self._tx, self._filter, sort, after=after, limit=limit, count=self._limits.scanned_max
            )
            if by_word is not None:
                return by_word
            return id_block_scan.scan_blocks(
                self._tx, self._filter, sort, scan, after=after, limit=limit, count=self._limits.scanned_by_id_max
            )
        last = scan.scan_end(after=after, count=self._scanned_max(sort))
        ids = self._fetch_ids(scan.ids(after=after, last=last), limit=limit)
        return ids, None if len(ids) >= limit else last

    def _ids_at_offset(self, sort: Sort, *, limit: int, offset: int) -> Sequence[int]:
        scan = self._index_scan(sort)
        if scan.is_direct and offset <= self._limits.index_offset_max:
            return self._fetch_ids(scan.ids(), limit=limit, offset=offset)
        after = id_block_scan.first_block(self._tx, self._filter, sort) if sort.column is images.c.id else None
        last = scan.scan_end(after=after, count=self._scanned_max(sort))
        ids = self._fetch_ids(scan.ids(after=after, last=last), limit=limit, offset=offset)
        if len(ids) < limit and last is not None:
            raise UsageError(Reason.MISCONFIGURED, _OFFSET_TOO_LARGE)
        return ids

    def _scanned_max(self, sort: Sort) -> int:
        if sort.column is images.c.name_key and self._filter.words:
            return self._limits.name_keys_max
        return self._limits.scanned_max

    def _matching_candidates(self, candidates: Select[int], sort: Sort, after: Position | None = None) -> Sequence[Any]:
        """Return all candidates that match, as (id, is_after): whether they come after a position."""
        # CASE, because SQL Server can't select a comparison.
        is_after: ColumnElement[int] = literal(1)
        if after is not None:
            is_after = case((after_position(self._tx, sort, after), 1), else_=0)
        query = sorted_candidates(self._tx, candidates, self._filter, sort, is_after.label("is_after"))
        matches = self._tx.execute(query).all()
        self._candidate_matches = len(matches)
        return matches

    def _fetch_ids(self, query: Select[Any], *, limit: int, offset: int = 0) -> Sequence[int]:
        # Ids only, so that what the offset skips is skipped within the index; rows are read for the page alone.
        return self._tx.execute(query.limit(limit).offset(offset)).scalars().all() if limit > 0 else ()

    def _fetch_rows(self, ids: Sequence[int]) -> Sequence[ImageRow]:
        rows = {row.id: row for row in self._tx.execute(select(images).where(images.c.id.in_(ids)))} if ids else {}
        # Images that were deleted in the meantime are left out.
        return [rows[image_id] for image_id in ids if image_id in rows]

    def _locate_offset(self, sort: Sort, offset: int) -> tuple[Position, int] | None:
        """Return a position shortly before an offset, and the number of matches before it; None: no counters do."""
        descending = sort.is_descending
        if self._dimension is None:
            return None
        dimension, values = self._dimension
        if sort.column is images.c.id and not any(self._days.values()):
            block = counters.locate_block(self._tx, dimension, values, offset=offset, descending=descending)
            if block is not None:
                number, before = block
                previous_id = (number + 1) * BLOCK_SIZE if descending else number * BLOCK_SIZE - 1
                return Position(value=previous_id, image_id=previous_id), before
        if sort.column is images.c.sort_date:
            day = counters.locate_day(self._tx, dimension, values, offset=offset, descending=descending, **self._days)
            if day is not None:
                day_of_offset, before = day
                edge = datetime.combine(day_of_offset, time.max if descending else time.min)
                return Position(value=edge, image_id=ID_MAX if descending else 0), before
        return None

    def _word_total(self, matches_word: ColumnElement[bool]) -> Total:
        entries = select(image_words.c.image_id).where(matches_word).limit(self._limits.word_total_max).subquery()
        query = select(func.count(), func.count(entries.c.image_id.distinct())).select_from(entries)
        read, found = self._tx.execute(query).one()
        return Total(images=found, exact=read < self._limits.word_total_max)


_OFFSET_TOO_LARGE = (
    "This page is too far from the start to find it quickly with this filter and sort order. "
    "Use cursors instead: pass `limit` instead of `page`."
)
