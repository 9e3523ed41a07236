"""The date of a timestamp, on any database."""

from typing import Any

from sqlalchemy import Column, Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class date_of(FunctionElement[Any]):  # noqa: N801 - it is used like a SQL function
    """`DATE(column)`, or `CAST(column AS DATE)` on SQL Server, which has no such function."""

    name = "date_of"
    type = Date()
    inherit_cache = True

    def __init__(self, column: Column[Any]) -> None:
        super().__init__(column)


@compiles(date_of)
def _compile_date(element: date_of, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    return f"date({compiler.process(element.clauses, **kw)})"


@compiles(date_of, "mssql")
def _compile_cast(element: date_of, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the signature of @compiles
    return f"CAST({compiler.process(element.clauses, **kw)} AS DATE)"
