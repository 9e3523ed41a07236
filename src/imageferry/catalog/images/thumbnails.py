"""The thumbnail columns of image records."""

from sqlalchemy import Connection, func, update

from imageferry.catalog.database.tables import images

READY, FAILED = "ready", "failed"


def mark_ready(
    tx: Connection, *, image_id: int, md5: str, placeholder: str, width: int | None, height: int | None
) -> bool:
    """Record that the store has a thumbnail of these bytes. Return False if the record is gone or has other bytes.

    Width and height are saved only where the source's listing had none.
    """
    values: dict[str, object] = {"thumbnail": READY, "placeholder": placeholder}
    size = {"width": func.coalesce(images.c.width, width), "height": func.coalesce(images.c.height, height)}
    return _update(tx, image_id, md5, values | (size if width and height else {}))


def mark_failed(tx: Connection, *, image_id: int, md5: str) -> bool:
    """Record that no thumbnail can be made of these bytes. Return False if the record is gone or has other bytes."""
    return _update(tx, image_id, md5, {"thumbnail": FAILED})


def _update(tx: Connection, image_id: int, md5: str, values: dict[str, object]) -> bool:
    is_same = (images.c.id == image_id) & (images.c.md5 == md5)
    return tx.execute(update(images).where(is_same).values(values)).rowcount > 0
