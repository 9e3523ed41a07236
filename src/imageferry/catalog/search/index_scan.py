"""Going through images in an order, by the index that has it."""

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
from imageferry.catalog.images.counters import Kind
from imageferry.catalog.search.filters import (
    KINDS,
    By,
    Filter,
    Sort,
    conditions,
    equalities,
    in_names,
)


class Position(Struct, frozen=True, kw_only=True):
    """An image's place in an order."""

    value: Any  # of the order's column
    image_id: int


class Walk:
    """The ids of what a filter leaves, in an order, by the index that has it; `told`: how common its conditions are."""

    def __init__(self, tx: Connection, wanted: Filter, sort: Sort, told: Mapping[Kind, int]) -> None:
        self._tx = tx
        self._wanted = wanted
        self._sort = sort
        self._index, self._led = _lead(wanted, sort, told)

    @property
    def is_direct(self) -> bool:
        """True: what the index leads to is what is wanted, and nothing else."""
        return self._led == self._wanted

    def ids(self, *within: ColumnElement[bool], at: Position | None = None, end: Position | None = None) -> Select[Any]:
        """Of all there are, or of those behind a position and up to another."""
        wanted = self._between(at, end, self._wanted)
        # SQL Server's lengths are without blanks at the end, so that its keys do not tell whether they are cut.
        by_names = wanted.words and self._sort.column is images.c.name_key and self._tx.dialect.name != "mssql"
        fitting = self._by_names(wanted) if by_names else conditions(wanted, by=self._aside)
        return self._by_index(select(images.c.id).where(*fitting, *within, *self._bounds(at, end)))

    def end(self, *, at: Position | None = None, count: int) -> Position | None:
        """The last of the first so many that the index leads to, wanted or not; None: there are fewer."""
        led = conditions(self._between(at, None, self._led), by=self._aside)
        query = select(self._sort.column, images.c.id).where(*led, *self._bounds(at, None))
        row = self._tx.execute(self._by_index(query).offset(count - 1).limit(1)).one_or_none()
        return None if row is None else Position(value=row[0], image_id=row[-1])

    def _bounds(self, at: Position | None, end: Position | None) -> list[ColumnElement[bool]]:
        bounds = [] if at is None else [beyond(self._tx, self._sort, at)]
        return bounds if end is None else [*bounds, beyond(self._tx, self._sort.reversed, end, inclusive=True)]

    def _between(self, at: Position | None, end: Position | None, wanted: Filter) -> Filter:
        """What is left of a filter between two positions: of two bounds on one side, SQLite goes by the first."""
        high, low = (at, end) if self._sort.descending else (end, at)
        if self._sort.column is images.c.shown_at:
            if high is not None and wanted.shown_to is not None and high.value.date() <= wanted.shown_to:
                wanted = replace(wanted, shown_to=None)
            if low is not None and wanted.shown_from is not None and low.value.date() >= wanted.shown_from:
                wanted = replace(wanted, shown_from=None)
        if self._sort.column is images.c.size_bytes:
            if high is not None and wanted.size_max_bytes is not None and high.value <= wanted.size_max_bytes:
                wanted = replace(wanted, size_max_bytes=None)
            if low is not None and wanted.size_min_bytes is not None and low.value >= wanted.size_min_bytes:
                wanted = replace(wanted, size_min_bytes=None)
        return wanted

    def _by_names(self, wanted: Filter) -> list[ColumnElement[bool]]:
        """Conditions that look at the keys of names first, which stand in the index, and at few images."""
        in_keys = in_names(wanted, by_pattern=self._tx.dialect.name == "postgresql")
        fitting = [*conditions(self._led), *in_keys, *conditions(Filter(words=wanted.words))]
        rest = replace(wanted, words=None, folder_id=None)
        if rest.is_empty:
            return fitting
        whole = images.alias()
        of_image = select(whole.c.id).where(
            whole.c.id == images.c.id, *conditions(rest, by=lambda column: whole.c[column.name])
        )
        # With an offset it stays a question to each image, which PostgreSQL would else read before the name's key.
        return [*fitting, of_image.order_by(whole.c.id).offset(0).exists()]

    def _by_index(self, query: Select[Any]) -> Select[Any]:
        forced = f"FORCE INDEX ({self._index or 'PRIMARY'})"
        ordered = query.order_by(*_order(self._sort))
        return ordered.with_hint(images, forced, "mysql").with_hint(images, forced, "mariadb")

    def _aside(self, column: Column[Any]) -> ColumnElement[Any]:
        # A planner that does not know how few of them make a page would rather find all of a folder and sort them.
        led = {self._sort.column.name, *(column.name for column, _ in equalities(self._led))}
        return column if column.name in led else aside(self._tx)(column)


def sorted_among(
    tx: Connection, ids: Select[int], wanted: Filter, sort: Sort, *more: ColumnElement[Any]
) -> Select[Any]:
    """The ids of what a filter leaves of these, in an order, and what else is asked of each."""
    if tx.dialect.name == "postgresql":
        among = images.c.id == any_(func.array(ids.scalar_subquery()))
    else:
        among = images.c.id.in_(ids)
    query = select(images.c.id, *more).where(among, *conditions(wanted, by=aside(tx)))
    return query.order_by(*_order(sort, by=aside(tx)))


def beyond(tx: Connection, sort: Sort, at: Position, *, inclusive: bool = False) -> ColumnElement[bool]:
    """What stands behind a position in an order, or also at it."""
    down = sort.descending
    if sort.column is images.c.id:
        return _beyond(images.c.id, at.image_id, down=down, inclusive=inclusive)
    value = literal(at.value, sort.column.type)
    if tx.dialect.name in {"sqlite", "postgresql"}:
        here, there = tuple_(sort.column, images.c.id), tuple_(value, literal(at.image_id))
        return _beyond(here, there, down=down, inclusive=inclusive)
    # MySQL finds the beginning in an index by the first comparison alone.
    behind = or_(
        _beyond(sort.column, value, down=down, inclusive=False),
        _beyond(images.c.id, at.image_id, down=down, inclusive=inclusive),
    )
    return and_(_beyond(sort.column, value, down=down, inclusive=True), behind)


def _beyond(
    here: ColumnElement[Any],
    there: Any,  # noqa: ANN401 - a value, or several
    *,
    down: bool,
    inclusive: bool,
) -> ColumnElement[bool]:
    behind: ColumnElement[bool] = here < there if down else here > there
    also: ColumnElement[bool] = here <= there if down else here >= there
    return also if inclusive else behind


def aside(tx: Connection) -> By:
    """Around a column: what keeps SQLite from going by its index."""

    def around(column: Column[Any]) -> ColumnElement[Any]:
        if tx.dialect.name != "sqlite":
            return column
        # A unary plus: https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
        return UnaryExpression(column, operator=_PLUS, type_=column.type)

    return around


_PLUS: custom_op[Any] = custom_op("+")


def _lead(wanted: Filter, sort: Sort, told: Mapping[Kind, int]) -> tuple[str | None, Filter]:
    """The index to go through, None: the table itself, and the part of a filter that it serves."""
    equal = {column.name: values for column, values in equalities(wanted) if len(values) == 1}
    if sort.column is images.c.shown_at:
        days = Filter(shown_from=wanted.shown_from, shown_to=wanted.shown_to)
        return _of_rarest(equal, told, among=_BY_DAY, sort=sort, rest=days)
    if sort.column is images.c.name_key:
        return _of_rarest(equal, told, among=_BY_NAME, sort=sort, rest=Filter())
    if sort.column is images.c.size_bytes:
        return "ix_images_size_bytes_id", Filter(
            size_min_bytes=wanted.size_min_bytes, size_max_bytes=wanted.size_max_bytes
        )
    return ("ix_images_job_id_id", Filter(job_id=wanted.job_id)) if wanted.job_id else (None, Filter())


# What stands in an index before the order, each alone.
_BY_DAY = ("job_id", "folder_id", "camera", "mime_type")
_BY_NAME = ("folder_id",)


def _of_rarest(
    equal: Mapping[str, Sequence[str]], told: Mapping[Kind, int], *, among: Sequence[str], sort: Sort, rest: Filter
) -> tuple[str, Filter]:
    name = min((name for name in among if name in equal), key=lambda name: told[KINDS[name]], default=None)
    if name is None:
        return f"ix_images_{sort.column.name}_id", rest
    served: dict[str, Any] = {"mime_types": equal[name]} if name == "mime_type" else {name: equal[name][0]}
    return f"ix_images_{name}_{sort.column.name}_id", replace(rest, **served)


def _order(sort: Sort, *, by: By = lambda column: column) -> list[ColumnElement[Any]]:
    """The order's columns: no two images are alike in all of them; `by` may put something around each."""
    columns = map(by, dict.fromkeys((sort.column, images.c.id)))
    return [column.desc() if sort.descending else column.asc() for column in columns]
