"""`column IN (values)` with all values in one bound parameter, where the database supports it."""

from collections.abc import Collection
from typing import Any, Self

import msgspec
from sqlalchemy import ARRAY, Boolean, Column, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _ArrayParameter(TypeDecorator[Collection[Any]]):
    """Bind a collection as one value: an array on PostgreSQL, a JSON array elsewhere."""

    impl = Text
    cache_ok = True

    def __init__(self, item_type: TypeEngine[Any]) -> None:
        super().__init__()
        self.item_type = item_type

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        array: TypeEngine[Any] = ARRAY(self.item_type) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(array)

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - the signature of TypeDecorator
        """See TypeDecorator."""
        values = list(value or ())
        return values if dialect.name == "postgresql" else msgspec.json.encode(values).decode()


class in_list(FunctionElement[bool]):  # noqa: N801 - it is used like a SQL function
    """`column IN (:values)` with one bound parameter; `values` is the parameter's name.

    A PostgreSQL array, JSON on SQLite, one parameter per value elsewhere. Binding one parameter per value, as `in_`
    does, took as long as finding the rows (docs/performance.md).
    """

    name = "in_list"
    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Column[Any], values: str) -> None:
        item_type = column.type
        expanded = bindparam(values, expanding=True, type_=item_type)
        super().__init__(column, expanded, bindparam(values, type_=_ArrayParameter(item_type)))

    def self_group(self, against: object = None) -> Self:
        """Return itself: SQLAlchemy would write `... = 1` on SQLite, which hides the predicate from its planner."""
        del against
        return self


@compiles(in_list)
def _compile_expanded(element: in_list, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    column, expanded, _ = element.clauses
    return compiler.process(column.in_(expanded), **kw)


@compiles(in_list, "sqlite")
def _compile_json(element: in_list, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    column, _, array = element.clauses
    values = compiler.process(array, **kw)
    # Only a column name and a placeholder are interpolated.
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - see above


@compiles(in_list, "postgresql")
def _compile_array(element: in_list, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    column, _, array = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(array, **kw)})"
