"""Which images a filter leaves at most, when one of its conditions is rare: told by an index, with bounded work."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Select, false, func, select

from imageferry.catalog.database.tables import images, words
from imageferry.catalog.images import counters
from imageferry.catalog.images.counters import Kind
from imageferry.catalog.search.filters import Filter, counted, of_days, of_size, of_words


def counts(tx: Connection, wanted: Filter) -> dict[Kind, int]:
    """How many images fulfil each of the conditions that a tally counts, within the days that are asked for."""
    days = {"first": wanted.shown_from, "last": wanted.shown_to}
    return {kind: counters.of(tx, kind, values, **days).images for kind, values, _ in counted(wanted)}


def few(tx: Connection, wanted: Filter, told: Mapping[Kind, int], *, at_most: int) -> Select[int] | None:
    """The ids of so few images, all those that the filter leaves among them; None: they may be more.

    `told` is what `counts` says; ids may be told twice.
    """
    if wanted.words is not None and not wanted.words:
        return select(images.c.id).where(false())
    rarest = min(counted(wanted), key=lambda one: told[one.kind], default=None)
    if rarest is not None and told[rarest.kind] <= at_most:
        between = of_days(wanted)
        return select(images.c.id).where(rarest.condition, *(() if between is None else (between,)))
    for query in _probes(wanted):
        some = query.limit(at_most + 1).subquery()
        if tx.execute(select(func.count()).select_from(some)).scalar_one() <= at_most:
            return query
    return None


def _probes(wanted: Filter) -> Iterator[Select[int]]:
    """What may be rare: the index tells."""
    for of_word in of_words(wanted):
        yield select(words.c.image_id).where(of_word)
    for between in (of_days(wanted), of_size(wanted)):
        if between is not None:
            yield select(images.c.id).where(between)
