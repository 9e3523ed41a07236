"""A column among many values, which a statement is given as one parameter where the database can take it so."""

from collections.abc import Collection
from typing import Any, Self

import msgspec
from sqlalchemy import ARRAY, Boolean, Column, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Many(TypeDecorator[Collection[Any]]):
    """Values as an array, or as JSON where there are no arrays."""

    impl = Text
    cache_ok = True

    def __init__(self, each: TypeEngine[Any]) -> None:
        super().__init__()
        self.each = each

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        kind: TypeEngine[Any] = ARRAY(self.each) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - the base's
        """What is sent."""
        values = list(value or ())
        return values if dialect.name == "postgresql" else msgspec.json.encode(values).decode()


class among(FunctionElement[bool]):  # noqa: N801 - it reads as a function
    """True where a column has one of the values that the statement is run with, under a name.

    A parameter for each value, as `in_` has it, takes as long to be written into a statement as the row to be found.
    """

    name = "among"
    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Column[Any], values: str) -> None:
        each = column.type
        one_by_one = bindparam(values, expanding=True, type_=each)
        super().__init__(column, one_by_one, bindparam(values, type_=_Many(each)))

    def self_group(self, against: object = None) -> Self:
        """Itself: what SQLite knows of booleans would hide it from the planner, as `... = 1`."""
        del against
        return self


@compiles(among)
def _one_by_one(element: among, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, listed, _ = element.clauses
    return compiler.process(column.in_(listed), **kw)


@compiles(among, "sqlite")
def _in_json(element: among, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, _, whole = element.clauses
    values = compiler.process(whole, **kw)
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - names and marks


@compiles(among, "postgresql")
def _in_array(element: among, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, _, whole = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(whole, **kw)})"
