"""Which images a filter leaves at most, when one of its conditions is rare: told by an index, with bounded work."""

from collections.abc import Iterator

from sqlalchemy import Connection, Select, select

from imageferry.catalog import tallies
from imageferry.catalog.filters import Filter, counted, of_days, of_size, of_words
from imageferry.catalog.tables import images, words


def few(tx: Connection, wanted: Filter, *, at_most: int) -> list[int] | None:
    """The ids of so few images, all those that the filter leaves among them; None: they may be more."""
    if wanted.words is not None and not wanted.words:
        return []
    for query in (*_tallied(tx, wanted, at_most), *_probes(wanted)):
        ids = list(dict.fromkeys(tx.execute(query.limit(at_most + 1)).scalars()))
        if len(ids) <= at_most:
            return ids
    return None


def _tallied(tx: Connection, wanted: Filter, at_most: int) -> Iterator[Select[int]]:
    """What the tallies say is rare."""
    between = of_days(wanted)
    days = () if between is None else (between,)
    for kind, values, condition in counted(wanted):
        if tallies.of(tx, kind, values, first=wanted.shown_from, last=wanted.shown_to).images <= at_most:
            yield select(images.c.id).where(condition, *days)


def _probes(wanted: Filter) -> Iterator[Select[int]]:
    """What may be rare: the index tells."""
    for of_word in of_words(wanted):
        yield select(words.c.image_id).where(of_word)
    for between in (of_days(wanted), of_size(wanted)):
        if between is not None:
            yield select(images.c.id).where(between)
