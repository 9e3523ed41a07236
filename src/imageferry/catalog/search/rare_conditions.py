"""Find a condition of a filter that few images fulfil, with bounded work."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Select, false, func, select

from imageferry.catalog.database.tables import image_words, images
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Dimension
from imageferry.catalog.search.filters import (
    Filter,
    counted_predicates,
    date_predicate,
    size_predicate,
    word_predicates,
)


def condition_counts(tx: Connection, image_filter: Filter) -> dict[Dimension, int]:
    """Return the number of images, within the filter's days, that fulfil each condition that has counters."""
    days = {"first": image_filter.date_from, "last": image_filter.date_to}
    return {
        dimension: counters.count_of(tx, dimension, values, **days).images
        for dimension, values, _ in counted_predicates(image_filter)
    }


def rare_candidates(
    tx: Connection, image_filter: Filter, counts: Mapping[Dimension, int], *, limit: int
) -> Select[int] | None:
    """Pick a selective condition of a filter; `counts` is the result of `condition_counts`.

    Return a query for at most `limit` candidate image ids (a superset of the matches, duplicates possible), or None
    when no condition matches that few. Reads at most `limit + 1` index entries per condition.
    """
    if image_filter.words is not None and not image_filter.words:
        return select(images.c.id).where(false())
    rarest = min(counted_predicates(image_filter), key=lambda counted: counts[counted.dimension], default=None)
    if rarest is not None and counts[rarest.dimension] <= limit:
        in_days = date_predicate(image_filter)
        return select(images.c.id).where(rarest.predicate, *(() if in_days is None else (in_days,)))
    for query in _uncounted_conditions(image_filter):
        entries = query.limit(limit + 1).subquery()
        if tx.execute(select(func.count()).select_from(entries)).scalar_one() <= limit:
            return query
    return None


def _uncounted_conditions(image_filter: Filter) -> Iterator[Select[int]]:
    """Yield a query for the ids of each condition that has no counters, but an index."""
    for matches_word in word_predicates(image_filter):
        yield select(image_words.c.image_id).where(matches_word)
    for in_range in (date_predicate(image_filter), size_predicate(image_filter)):
        if in_range is not None:
            yield select(images.c.id).where(in_range)
