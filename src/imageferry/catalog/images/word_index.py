"""The word index: the inverted index from words to the images whose names contain them."""

from collections.abc import Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection, delete

from imageferry.catalog.database.tables import image_words
from imageferry.catalog.images import name_tokens
from imageferry.catalog.images.counters import CountersLock
from imageferry.catalog.images.snapshots import ImageSnapshot

# Rows of one INSERT; SQL Server's limit.
ROWS_MAX = 1000


def apply_changes(
    lock: CountersLock, *, before: Mapping[int, ImageSnapshot], after: Mapping[int, ImageSnapshot]
) -> None:
    """Update the words of images that changed from `before` to `after`, both by image id."""
    tx = lock.tx
    deleted = [image_id for image_id in before if image_id not in after]
    renamed = [image.id for image in after.values() if image.id in before and before[image.id].name != image.name]
    stale = deleted + renamed
    if stale:
        tx.execute(delete(image_words).where(image_words.c.image_id.in_(stale)))
    new = [image for image in after.values() if image.id not in before] + [after[image_id] for image_id in renamed]
    _insert(tx, [(image.id, word) for image in new for word in name_tokens.tokenize(image.name)])


def _insert(tx: Connection, rows: Sequence[tuple[int, str]]) -> None:
    # There are several rows per file: as parameters of SQLAlchemy they took a quarter of a record's time.
    if tx.dialect.name == "postgresql":
        if rows:
            image_ids, words = zip(*rows, strict=True)
            tx.exec_driver_sql(_INSERT_ARRAYS, (list(image_ids), list(words)))
        return
    placeholders = "(?, ?)" if tx.dialect.paramstyle == "qmark" else "(%s, %s)"
    for start in range(0, len(rows), ROWS_MAX):
        chunk = rows[start : start + ROWS_MAX]
        values = ", ".join([placeholders] * len(chunk))
        statement = f"INSERT INTO image_words (image_id, word) VALUES {values}"  # noqa: S608 - only placeholders
        tx.exec_driver_sql(statement, tuple(chain.from_iterable(chunk)))


_INSERT_ARRAYS = (
    "INSERT INTO image_words (image_id, word) SELECT * FROM unnest(CAST(%s AS bigint[]), CAST(%s AS text[]))"
)
