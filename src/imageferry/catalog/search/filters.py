"""Filters and sort orders of images, and their SQL predicates."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, and_, false, func, or_, select

from imageferry.catalog.database.tables import NAME_KEY_LENGTH, image_words, images
from imageferry.catalog.images.counters import Dimension

# The largest code point: every string with a prefix sorts between the prefix and the prefix followed by this.
_LAST_CHARACTER = "\U0010ffff"


class Sort(StrEnum):
    """A sort order of images; ties are in the order in which the images were first stored."""

    DATE_DESC = "-date"  # by the day taken, or stored when that is unknown; newest first
    DATE = "date"
    CREATED_DESC = "-created"  # by when they were first stored
    CREATED = "created"
    NAME = "name"
    NAME_DESC = "-name"
    SIZE = "size"
    SIZE_DESC = "-size"

    @property
    def is_descending(self) -> bool:
        """Whether the largest values come first."""
        return self.startswith("-")

    @property
    def column(self) -> Column[Any]:
        """The first column to sort by; the second is the id."""
        return _COLUMNS[self.removeprefix("-")]

    @property
    def reverse(self) -> "Sort":
        """The opposite order."""
        return Sort(self.removeprefix("-")) if self.is_descending else Sort(f"-{self}")


_COLUMNS: dict[str, Column[Any]] = {
    "date": images.c.sort_date,
    "created": images.c.id,
    "name": images.c.name_key,
    "size": images.c.size_bytes,
}


class Filter(Struct, frozen=True, kw_only=True):
    """Conditions that an image must all fulfil; None, or no MIME types: any."""

    words: Sequence[str] | None = None  # in the name; the last one may be a prefix; empty: no image matches
    mime_types: Sequence[str] = ()  # one of these
    folder_id: str | None = None
    job_id: str | None = None  # that stored the image last
    size_min_bytes: int | None = None
    size_max_bytes: int | None = None  # inclusive
    date_from: date | None = None  # of `sort_date`
    date_to: date | None = None  # inclusive
    camera: str | None = None
    has_location: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every image matches, as there are no conditions."""
        return self == Filter()


ColumnWrapper = Callable[[Column[Any]], ColumnElement[Any]]
"""Replaces each column of a predicate by an expression, such as one that no index serves."""


def predicates(image_filter: Filter, *, wrap: ColumnWrapper = lambda column: column) -> list[ColumnElement[bool]]:
    """Return the predicates on `images` of all conditions."""
    found = [equals_any(wrap(column), values) for column, values in equality_values(image_filter)]
    ranges = (size_predicate(image_filter, wrap=wrap), date_predicate(image_filter, wrap=wrap))
    found += [in_range for in_range in ranges if in_range is not None]
    if image_filter.has_location is not None:
        latitude = wrap(images.c.latitude)
        found.append(latitude.is_not(None) if image_filter.has_location else latitude.is_(None))
    if image_filter.words is not None:
        found += [_has_word(matches_word) for matches_word in word_predicates(image_filter)]
        found += [false()] if not image_filter.words else []
    return found


def _has_word(matches_word: ColumnElement[bool]) -> ColumnElement[bool]:
    # OFFSET keeps it a subquery that runs once per image: planners would otherwise look up all images with a common
    # word for a single page. SQL Server requires ORDER BY with OFFSET; this column is the same in all rows.
    entries = select(image_words.c.image_id).where(image_words.c.image_id == images.c.id, matches_word)
    return entries.order_by(image_words.c.image_id).offset(0).exists()


def equality_values(image_filter: Filter) -> list[tuple[Column[Any], Sequence[str]]]:
    """Return the columns that must equal one of some values, with the values."""
    conditions: list[tuple[Column[Any], Sequence[str | None]]] = [
        (images.c.job_id, [image_filter.job_id]),
        (images.c.folder_id, [image_filter.folder_id]),
        (images.c.camera, [image_filter.camera]),
        (images.c.mime_type, image_filter.mime_types),
    ]
    return [(column, found) for column, values in conditions if (found := [v for v in values if v is not None])]


class CountedPredicate(NamedTuple):
    """A predicate whose matches are counted: they are the sum of the counters of these values."""

    dimension: Dimension
    values: Sequence[str]
    predicate: ColumnElement[bool]


def counted_predicates(image_filter: Filter) -> list[CountedPredicate]:
    """Return the predicates of the conditions that have counters, except the days."""
    found = [
        CountedPredicate(DIMENSIONS[column.name], values, equals_any(column, values))
        for column, values in equality_values(image_filter)
    ]
    if image_filter.has_location is not None:
        latitude = images.c.latitude
        predicate = latitude.is_not(None) if image_filter.has_location else latitude.is_(None)
        values = ["1" if image_filter.has_location else "0"]
        found.append(CountedPredicate(Dimension.HAS_LOCATION, values, predicate))
    return found


DIMENSIONS = {
    "job_id": Dimension.JOB,
    "folder_id": Dimension.FOLDER,
    "camera": Dimension.CAMERA,
    "mime_type": Dimension.TYPE,
}


def single_dimension(image_filter: Filter) -> tuple[Dimension, Sequence[str]] | None:
    """Return the dimension and values whose counters, by day, answer the whole filter; None: there is none."""
    if image_filter.words is not None or size_predicate(image_filter) is not None:
        return None
    counted = counted_predicates(image_filter)
    if not counted:
        return Dimension.ALL, [""]
    return counted[0][:2] if len(counted) == 1 else None


def equals_any(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Return the predicate that a column equals one of these values."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def size_predicate(image_filter: Filter, *, wrap: ColumnWrapper = lambda column: column) -> ColumnElement[bool] | None:
    """Return the predicate of the size, or None."""
    return _in_range(wrap(images.c.size_bytes), image_filter.size_min_bytes, image_filter.size_max_bytes)


def date_predicate(image_filter: Filter, *, wrap: ColumnWrapper = lambda column: column) -> ColumnElement[bool] | None:
    """Return the predicate of the days, or None."""
    start = None if image_filter.date_from is None else datetime.combine(image_filter.date_from, time.min)
    end = None if image_filter.date_to is None else datetime.combine(image_filter.date_to, time.max)
    return _in_range(wrap(images.c.sort_date), start, end)


def word_predicates(image_filter: Filter) -> list[ColumnElement[bool]]:
    """Return the predicates on `image_words`, one per word: the complete words, then the last one, a prefix."""
    if not image_filter.words:
        return []
    *complete, prefix = image_filter.words
    matches_prefix = image_words.c.word.between(prefix, prefix + _LAST_CHARACTER)
    return [image_words.c.word == word for word in complete] + [matches_prefix]


def name_key_predicates(image_filter: Filter, *, with_patterns: bool) -> list[ColumnElement[bool]]:
    """Return predicates on `name_key` that every match of the words fulfils, so that its index excludes most images.

    `with_patterns`: the database has regular expressions, which are closer: no ASCII letter or digit precedes a word.
    """
    key = images.c.name_key
    # A key below the maximum length contains the whole name.
    is_truncated = func.char_length(key) >= NAME_KEY_LENGTH
    words = image_filter.words or ()
    contains_word = [key.contains(word, autoescape=True) for word in words]
    if with_patterns:
        contains_word += [key.regexp_match(f"(^|[^a-z0-9]){word}") for word in words]
    return [or_(contains, is_truncated) for contains in contains_word]


def _in_range(column: ColumnElement[Any], low: object, high: object) -> ColumnElement[bool] | None:
    comparisons = [] if low is None else [column >= low]
    comparisons += [] if high is None else [column <= high]
    return and_(*comparisons) if comparisons else None
