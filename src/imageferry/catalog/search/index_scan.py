"""Read images in a sort order through the index that has this order."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    UnaryExpression,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.operators import custom_op

from imageferry.catalog.database.tables import images
from imageferry.catalog.images.counters import Dimension
from imageferry.catalog.search.filters import (
    DIMENSIONS,
    ColumnWrapper,
    Filter,
    Sort,
    equality_values,
    name_key_predicates,
    predicates,
)


class Position(Struct, frozen=True, kw_only=True):
    """A keyset position in a sort order: the sort column's value and the id of an image."""

    value: Any
    image_id: int


class IndexScan:
    """Builds the keyset query for a filter and a sort order.

    `condition_counts` (matches per condition) chooses the composite index. `is_direct` is True when the index answers
    the whole filter.
    """

    def __init__(
        self, tx: Connection, image_filter: Filter, sort: Sort, condition_counts: Mapping[Dimension, int]
    ) -> None:
        self._tx = tx
        self._filter = image_filter
        self._sort = sort
        self._index, self._index_filter = _choose_index(image_filter, sort, condition_counts)

    @property
    def is_direct(self) -> bool:
        """Whether the index answers the whole filter: every entry of its range matches."""
        return self._index_filter == self._filter

    def ids(
        self, *extra: ColumnElement[bool], after: Position | None = None, last: Position | None = None
    ) -> Select[Any]:
        """Return a query for the matching ids, in order, after a position and up to `last`, inclusive."""
        remaining = self._without_implied(after, last, self._filter)
        # SQL Server's length ignores trailing blanks, so that it can't tell whether a key is truncated.
        by_name_key = remaining.words and self._sort.column is images.c.name_key and self._tx.dialect.name != "mssql"
        matches = self._name_key_first(remaining) if by_name_key else predicates(remaining, wrap=self._wrap)
        return self._with_index(select(images.c.id).where(*matches, *extra, *self._range(after, last)))

    def scan_end(self, *, after: Position | None = None, count: int) -> Position | None:
        """Return the position of the `count`th entry of the index's range after a position; None: it has fewer.

        The entries are counted whether they match the rest of the filter or not.
        """
        in_index = predicates(self._without_implied(after, None, self._index_filter), wrap=self._wrap)
        query = select(self._sort.column, images.c.id).where(*in_index, *self._range(after, None))
        row = self._tx.execute(self._with_index(query).offset(count - 1).limit(1)).one_or_none()
        return None if row is None else Position(value=row[0], image_id=row[-1])

    def _range(self, after: Position | None, last: Position | None) -> list[ColumnElement[bool]]:
        found = [] if after is None else [after_position(self._tx, self._sort, after)]
        return found if last is None else [*found, after_position(self._tx, self._sort.reverse, last, inclusive=True)]

    def _without_implied(self, after: Position | None, last: Position | None, image_filter: Filter) -> Filter:
        """Return the filter without the limits that the range between two positions implies.

        Of two limits on the same side, SQLite searches its index by the first one.
        """
        high, low = (after, last) if self._sort.is_descending else (last, after)
        if self._sort.column is images.c.sort_date:
            if high is not None and image_filter.date_to is not None and high.value.date() <= image_filter.date_to:
                image_filter = replace(image_filter, date_to=None)
            if low is not None and image_filter.date_from is not None and low.value.date() >= image_filter.date_from:
                image_filter = replace(image_filter, date_from=None)
        if self._sort.column is images.c.size_bytes:
            size_max, size_min = image_filter.size_max_bytes, image_filter.size_min_bytes
            if high is not None and size_max is not None and high.value <= size_max:
                image_filter = replace(image_filter, size_max_bytes=None)
            if low is not None and size_min is not None and low.value >= size_min:
                image_filter = replace(image_filter, size_min_bytes=None)
        return image_filter

    def _name_key_first(self, image_filter: Filter) -> list[ColumnElement[bool]]:
        """Return predicates that check the name keys, which are in the index, before they read any image."""
        in_keys = name_key_predicates(image_filter, with_patterns=self._tx.dialect.name == "postgresql")
        matches = [*predicates(self._index_filter), *in_keys, *predicates(Filter(words=image_filter.words))]
        rest = replace(image_filter, words=None, folder_id=None)
        if rest.is_empty:
            return matches
        image = images.alias()
        matches_rest = predicates(rest, wrap=lambda column: image.c[column.name])
        same_image = select(image.c.id).where(image.c.id == images.c.id, *matches_rest)
        # OFFSET keeps it a subquery that runs once per image: PostgreSQL would otherwise check it before the name key.
        return [*matches, same_image.order_by(image.c.id).offset(0).exists()]

    def _with_index(self, query: Select[Any]) -> Select[Any]:
        hint = f"FORCE INDEX ({self._index or 'PRIMARY'})"
        ordered = query.order_by(*_order_columns(self._sort))
        return ordered.with_hint(images, hint, "mysql").with_hint(images, hint, "mariadb")

    def _wrap(self, column: Column[Any]) -> ColumnElement[Any]:
        # A planner that doesn't know how few entries fill a page would rather read a whole folder and sort it.
        in_index = {self._sort.column.name, *(column.name for column, _ in equality_values(self._index_filter))}
        return column if column.name in in_index else unindexed(self._tx)(column)


def sorted_candidates(
    tx: Connection, candidates: Select[int], image_filter: Filter, sort: Sort, *columns: ColumnElement[Any]
) -> Select[Any]:
    """Return a query for the ids, and these columns, of the candidates that match a filter, in order."""
    if tx.dialect.name == "postgresql":
        is_candidate = images.c.id == any_(func.array(candidates.scalar_subquery()))
    else:
        is_candidate = images.c.id.in_(candidates)
    query = select(images.c.id, *columns).where(is_candidate, *predicates(image_filter, wrap=unindexed(tx)))
    return query.order_by(*_order_columns(sort, wrap=unindexed(tx)))


def after_position(tx: Connection, sort: Sort, position: Position, *, inclusive: bool = False) -> ColumnElement[bool]:
    """Return the keyset predicate: what comes after a position in a sort order, or also at it."""
    descending = sort.is_descending
    if sort.column is images.c.id:
        return _is_after(images.c.id, position.image_id, descending=descending, inclusive=inclusive)
    value = literal(position.value, sort.column.type)
    if tx.dialect.name in {"sqlite", "postgresql"}:
        row, limit = tuple_(sort.column, images.c.id), tuple_(value, literal(position.image_id))
        return _is_after(row, limit, descending=descending, inclusive=inclusive)
    # MySQL searches an index only by the first comparison.
    is_after = or_(
        _is_after(sort.column, value, descending=descending, inclusive=False),
        _is_after(images.c.id, position.image_id, descending=descending, inclusive=inclusive),
    )
    return and_(_is_after(sort.column, value, descending=descending, inclusive=True), is_after)


def _is_after(
    column: ColumnElement[Any],
    value: Any,  # noqa: ANN401 - a value or a tuple of values
    *,
    descending: bool,
    inclusive: bool,
) -> ColumnElement[bool]:
    exclusive_comparison: ColumnElement[bool] = column < value if descending else column > value
    inclusive_comparison: ColumnElement[bool] = column <= value if descending else column >= value
    return inclusive_comparison if inclusive else exclusive_comparison


def unindexed(tx: Connection) -> ColumnWrapper:
    """Return a wrapper that keeps SQLite from using a column's indexes; other databases' columns stay as they are."""

    def wrap(column: Column[Any]) -> ColumnElement[Any]:
        if tx.dialect.name != "sqlite":
            return column
        # A unary plus: https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
        return UnaryExpression(column, operator=_UNARY_PLUS, type_=column.type)

    return wrap


_UNARY_PLUS: custom_op[Any] = custom_op("+")


def _choose_index(
    image_filter: Filter, sort: Sort, condition_counts: Mapping[Dimension, int]
) -> tuple[str | None, Filter]:
    """Return the index to scan (None: the primary key), and the part of the filter that its range answers."""
    equal = {column.name: values for column, values in equality_values(image_filter) if len(values) == 1}
    if sort.column is images.c.sort_date:
        days = Filter(date_from=image_filter.date_from, date_to=image_filter.date_to)
        return _most_selective(equal, condition_counts, prefixes=_DATE_INDEX_PREFIXES, sort=sort, index_filter=days)
    if sort.column is images.c.name_key:
        return _most_selective(equal, condition_counts, prefixes=_NAME_INDEX_PREFIXES, sort=sort, index_filter=Filter())
    if sort.column is images.c.size_bytes:
        sizes = Filter(size_min_bytes=image_filter.size_min_bytes, size_max_bytes=image_filter.size_max_bytes)
        return "ix_images_size_bytes_id", sizes
    return ("ix_images_job_id_id", Filter(job_id=image_filter.job_id)) if image_filter.job_id else (None, Filter())


# Columns that precede the sort column in a composite index; each has an index of its own.
_DATE_INDEX_PREFIXES = ("job_id", "folder_id", "camera", "mime_type")
_NAME_INDEX_PREFIXES = ("folder_id",)


def _most_selective(
    equal: Mapping[str, Sequence[str]],
    condition_counts: Mapping[Dimension, int],
    *,
    prefixes: Sequence[str],
    sort: Sort,
    index_filter: Filter,
) -> tuple[str, Filter]:
    """Return the index whose prefix has the fewest matches, or the one without a prefix; see `_choose_index`."""
    usable = (name for name in prefixes if name in equal)
    prefix = min(usable, key=lambda name: condition_counts[DIMENSIONS[name]], default=None)
    if prefix is None:
        return f"ix_images_{sort.column.name}_id", index_filter
    value: dict[str, Any] = {"mime_types": equal[prefix]} if prefix == "mime_type" else {prefix: equal[prefix][0]}
    return f"ix_images_{prefix}_{sort.column.name}_id", replace(index_filter, **value)


def _order_columns(sort: Sort, *, wrap: ColumnWrapper = lambda column: column) -> list[ColumnElement[Any]]:
    """Return what to order by: no two images have the same values in all of these columns."""
    columns = map(wrap, dict.fromkeys((sort.column, images.c.id)))
    return [column.desc() if sort.is_descending else column.asc() for column in columns]
