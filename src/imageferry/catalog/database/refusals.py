"""Finds the rows that a database refuses, so that they don't cost the others: a value out of range, a text too long."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError

T = TypeVar("T")

# The last two are raised by drivers that can't send a value.
REFUSALS = (StatementError, OverflowError, UnicodeEncodeError)
_DETAIL_LENGTH_MAX = 200


def explain_refusal(error: BaseException) -> str | None:
    """Return why a database refused a value, in its own words, or None if the error is of another kind."""
    is_of_value = isinstance(error, (DataError, IntegrityError, OverflowError, UnicodeEncodeError))
    # One that isn't the driver's: SQLAlchemy could not convert a value. PyMySQL refuses NaN with a ProgrammingError.
    is_of_value |= isinstance(error, StatementError) and not isinstance(error, DBAPIError)
    is_of_value |= isinstance(error, ProgrammingError) and "can not be used with MySQL" in str(error.orig)
    if not is_of_value:
        return None
    text = str(getattr(error, "orig", None) or error)
    return text.encode(errors="replace").decode().partition("\n")[0][:_DETAIL_LENGTH_MAX]


def find_refused(tx: Connection, rows: Sequence[T], write: Callable[[Sequence[T]], object]) -> list[tuple[T, str]]:
    """Return the rows that the database refuses, each with the reason, by writing ever smaller parts of them.

    Nothing stays written: each part is rolled back to a savepoint.
    """
    if not rows:
        return []
    savepoint = tx.begin_nested()
    try:
        write(rows)
    except REFUSALS as exc:
        if (why := explain_refusal(exc)) is None:
            raise
    else:
        return []
    finally:
        savepoint.rollback()
    if len(rows) == 1:
        return [(rows[0], why)]
    middle = len(rows) // 2
    return find_refused(tx, rows[:middle], write) + find_refused(tx, rows[middle:], write)
