"""Which images are asked for, and in which order."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, and_, false, func, or_, select

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, images, words
from imageferry.catalog.images.counters import Kind

# The last character there is: what begins with a prefix stands between the prefix and this behind it.
_LAST = "\U0010ffff"


class Sort(StrEnum):
    """An order of images; those that are alike in it stand in the order in which they were first stored."""

    SHOWN_DESC = "-shown"  # by the day they were taken, else stored: the newest first
    SHOWN = "shown"
    CREATED_DESC = "-created"  # in which they were first stored
    CREATED = "created"
    NAME = "name"
    NAME_DESC = "-name"
    SIZE = "size"
    SIZE_DESC = "-size"

    @property
    def descending(self) -> bool:
        """True: the greatest first."""
        return self.startswith("-")

    @property
    def column(self) -> Column[Any]:
        """What is compared first."""
        return _COLUMNS[self.removeprefix("-")]

    @property
    def reversed(self) -> "Sort":
        """The same from its end."""
        return Sort(self.removeprefix("-")) if self.descending else Sort(f"-{self}")


_COLUMNS: dict[str, Column[Any]] = {
    "shown": images.c.shown_at,
    "created": images.c.id,
    "name": images.c.name_key,
    "size": images.c.size_bytes,
}


class Filter(Struct, frozen=True, kw_only=True):
    """What all images that are asked for have; None and nothing: any."""

    words: Sequence[str] | None = None  # of the name, the last one perhaps only begun; empty: none can be meant
    mime_types: Sequence[str] = ()  # one of them
    folder_id: str | None = None
    job_id: str | None = None  # that stored it last
    size_min_bytes: int | None = None
    size_max_bytes: int | None = None  # that many are still in
    shown_from: date | None = None
    shown_to: date | None = None  # that day is still in
    camera: str | None = None
    located: bool | None = None

    @property
    def is_empty(self) -> bool:
        """True: every image is asked for."""
        return self == Filter()


By = Callable[[Column[Any]], ColumnElement[Any]]


def conditions(wanted: Filter, *, by: By = lambda column: column) -> list[ColumnElement[bool]]:
    """What the rows of `images` are to fulfil; `by` may put something around each column."""
    found = [equal(by(column), values) for column, values in equalities(wanted)]
    found += [between for between in (of_size(wanted, by=by), of_days(wanted, by=by)) if between is not None]
    if wanted.located is not None:
        latitude = by(images.c.latitude)
        found.append(latitude.is_not(None) if wanted.located else latitude.is_(None))
    if wanted.words is not None:
        found += [_has(of_word) for of_word in of_words(wanted)]
        found += [false()] if not wanted.words else []
    return found


def _has(of_word: ColumnElement[bool]) -> ColumnElement[bool]:
    # With an offset it stays a question to each image: else all images of a common word are sought for one page.
    of_image = select(words.c.image_id).where(words.c.image_id == images.c.id, of_word)
    # SQL Server wants an order where there is an offset; one by what is the same in all rows sorts nothing.
    return of_image.order_by(words.c.image_id).offset(0).exists()


def equalities(wanted: Filter) -> list[tuple[Column[Any], Sequence[str]]]:
    """The columns that are one of some values."""
    asked: list[tuple[Column[Any], Sequence[str | None]]] = [
        (images.c.job_id, [wanted.job_id]),
        (images.c.folder_id, [wanted.folder_id]),
        (images.c.camera, [wanted.camera]),
        (images.c.mime_type, wanted.mime_types),
    ]
    return [(column, found) for column, values in asked if (found := [v for v in values if v is not None])]


class Counted(NamedTuple):
    """A condition that a tally counts."""

    kind: Kind
    values: Sequence[str]
    condition: ColumnElement[bool]


def counted(wanted: Filter) -> list[Counted]:
    """Its conditions that a tally counts, but for its days."""
    found = [Counted(KINDS[column.name], values, equal(column, values)) for column, values in equalities(wanted)]
    if wanted.located is not None:
        latitude = images.c.latitude
        condition = latitude.is_not(None) if wanted.located else latitude.is_(None)
        found.append(Counted(Kind.LOCATED, ["1" if wanted.located else "0"], condition))
    return found


KINDS = {"job_id": Kind.JOB, "folder_id": Kind.FOLDER, "camera": Kind.CAMERA, "mime_type": Kind.TYPE}


def dimension(wanted: Filter) -> tuple[Kind, Sequence[str]] | None:
    """What the tallies count all of it by, its days apart; None: they do not know it."""
    if wanted.words is not None or of_size(wanted) is not None:
        return None
    found = counted(wanted)
    if not found:
        return Kind.ALL, [""]
    return found[0][:2] if len(found) == 1 else None


def equal(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """One of some values."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def of_size(wanted: Filter, *, by: By = lambda column: column) -> ColumnElement[bool] | None:
    """Within its sizes; None: of any."""
    return _between(by(images.c.size_bytes), wanted.size_min_bytes, wanted.size_max_bytes)


def of_days(wanted: Filter, *, by: By = lambda column: column) -> ColumnElement[bool] | None:
    """Within its days; None: of any."""
    begin = None if wanted.shown_from is None else datetime.combine(wanted.shown_from, time.min)
    end = None if wanted.shown_to is None else datetime.combine(wanted.shown_to, time.max)
    return _between(by(images.c.shown_at), begin, end)


def of_words(wanted: Filter) -> list[ColumnElement[bool]]:
    """What rows of `words` are to fulfil, one condition a word: the whole ones, then the one that is begun."""
    if not wanted.words:
        return []
    *whole, begun = wanted.words
    return [words.c.word == word for word in whole] + [words.c.word.between(begun, begun + _LAST)]


def in_names(wanted: Filter, *, by_pattern: bool) -> list[ColumnElement[bool]]:
    """What the keys of names are to fulfil, for their words to be those that are sought: told by the key alone.

    Where the database knows patterns they tell it more closely: a word stands behind no letter and no digit of ASCII.
    """
    key = images.c.name_key
    # A key that is shorter than it may be is the whole name.
    cut = func.char_length(key) >= NAME_KEY_LENGTH
    sought = wanted.words or ()
    held = [key.contains(word, autoescape=True) for word in sought]
    if by_pattern:
        held += [key.regexp_match(f"(^|[^a-z0-9]){word}") for word in sought]
    return [or_(each, cut) for each in held]


def _between(column: ColumnElement[Any], least: object, most: object) -> ColumnElement[bool] | None:
    bounds = [] if least is None else [column >= least]
    bounds += [] if most is None else [column <= most]
    return and_(*bounds) if bounds else None
