"""The words of images' names, kept beside them: what is searched."""

from collections.abc import Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection, delete

from imageferry.catalog.database.tables import words
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.snapshots import ImageState

# Of one statement: SQL Server takes no more.
ROWS_MAX = 1000


def change(tx: Connection, *, before: Mapping[int, ImageState], after: Mapping[int, ImageState]) -> None:
    """Keep the words of images as they are now instead of as they were."""
    gone = [image_id for image_id in before if image_id not in after]
    renamed = [state.id for state in after.values() if state.id in before and before[state.id].name != state.name]
    stale = gone + renamed
    if stale:
        tx.execute(delete(words).where(words.c.image_id.in_(stale)))
    fresh = [state for state in after.values() if state.id not in before] + [after[image_id] for image_id in renamed]
    _insert(tx, [(state.id, word) for state in fresh for word in name_tokens.words(state.name)])


def _insert(tx: Connection, rows: Sequence[tuple[int, str]]) -> None:
    # Several a file: passed through SQLAlchemy's parameters, they took a quarter of a record's time.
    if tx.dialect.name == "postgresql":
        if rows:
            image_ids, its_words = zip(*rows, strict=True)
            tx.exec_driver_sql(_INSERT_ARRAYS, (list(image_ids), list(its_words)))
        return
    mark = "(?, ?)" if tx.dialect.paramstyle == "qmark" else "(%s, %s)"
    for at in range(0, len(rows), ROWS_MAX):
        some = rows[at : at + ROWS_MAX]
        statement = f"INSERT INTO words (image_id, word) VALUES {', '.join([mark] * len(some))}"  # noqa: S608 - marks alone
        tx.exec_driver_sql(statement, tuple(chain.from_iterable(some)))


_INSERT_ARRAYS = "INSERT INTO words (image_id, word) SELECT * FROM unnest(CAST(%s AS bigint[]), CAST(%s AS text[]))"
