"""Going through images in an order, by the index that has it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, UnaryExpression, literal, or_, select, tuple_
from sqlalchemy.sql.operators import custom_op

from imageferry.catalog.filters import By, Filter, Sort, conditions, equalities
from imageferry.catalog.tables import images


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An image's place in an order."""

    value: Any  # of the order's column
    image_id: int


def walk(tx: Connection, wanted: Filter, sort: Sort) -> Select[Any]:
    """The ids of what a filter leaves, in an order."""
    index, led = lead(wanted, sort)
    # A planner that does not know how few of them make a page would rather find all of a folder and sort them.
    aside = conditions(wanted, by=_aside(tx, but=[sort.column.name, *(column.name for column, _ in equalities(led))]))
    forced = f"FORCE INDEX ({index or 'PRIMARY'})"
    query = select(images.c.id).where(*aside).order_by(*order(sort))
    return query.with_hint(images, forced, "mysql").with_hint(images, forced, "mariadb")


def gathered(tx: Connection, wanted: Filter, sort: Sort) -> Select[Any]:
    """The same, found all of them by what they have, then put in an order."""
    return select(images.c.id).where(*conditions(wanted)).order_by(*order(sort, by=_aside(tx)))


def sorted_among(tx: Connection, ids: Collection[int], wanted: Filter, sort: Sort) -> Select[Any]:
    """The ids of what a filter leaves of these, in an order."""
    query = select(images.c.id).where(images.c.id.in_(ids), *conditions(wanted, by=_aside(tx)))
    return query.order_by(*order(sort))


def lead(wanted: Filter, sort: Sort) -> tuple[str | None, Filter]:
    """The index to go through, None: the table itself, and the part of a filter that it serves."""
    equal = {column.name: values for column, values in equalities(wanted) if len(values) == 1}
    if sort.column is images.c.shown_at:
        days = Filter(shown_from=wanted.shown_from, shown_to=wanted.shown_to)
        name = next((name for name in ("job_id", "folder_id", "camera", "mime_type") if name in equal), None)
        if name is None:
            return "ix_images_shown_at_id", days
        served: dict[str, Any] = {"mime_types": equal[name]} if name == "mime_type" else {name: equal[name][0]}
        return f"ix_images_{name}_shown_at_id", replace(days, **served)
    if sort.column is images.c.size_bytes:
        return "ix_images_size_bytes_id", Filter(
            size_min_bytes=wanted.size_min_bytes, size_max_bytes=wanted.size_max_bytes
        )
    if sort.column is images.c.id:
        return ("ix_images_job_id_id", Filter(job_id=wanted.job_id)) if wanted.job_id else (None, Filter())
    return f"ix_images_{sort.column.name}_id", Filter()


def order(sort: Sort, *, by: By = lambda column: column) -> list[ColumnElement[Any]]:
    """The order's columns: no two images are alike in all of them; `by` may put something around each."""
    columns = map(by, dict.fromkeys((sort.column, images.c.id)))
    return [column.desc() if sort.descending else column.asc() for column in columns]


def beyond(tx: Connection, sort: Sort, at: Position) -> ColumnElement[bool]:
    """What stands behind a position in an order."""
    if sort.column is images.c.id:
        return images.c.id < at.image_id if sort.descending else images.c.id > at.image_id
    value = literal(at.value, sort.column.type)
    if tx.dialect.name in {"sqlite", "postgresql"}:
        here, there = tuple_(sort.column, images.c.id), tuple_(value, literal(at.image_id))
        return here < there if sort.descending else here > there
    # MySQL finds the beginning in an index by the first comparison alone.
    if sort.descending:
        return (sort.column <= value) & or_(sort.column < value, images.c.id < at.image_id)
    return (sort.column >= value) & or_(sort.column > value, images.c.id > at.image_id)


def _aside(tx: Connection, *, but: Collection[str] = ()) -> By:
    """Around a column: what keeps SQLite from going by its index."""

    def around(column: Column[Any]) -> ColumnElement[Any]:
        if tx.dialect.name != "sqlite" or column.name in but:
            return column
        # A unary plus: https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
        return UnaryExpression(column, operator=_PLUS, type_=column.type)

    return around


_PLUS: custom_op[Any] = custom_op("+")
