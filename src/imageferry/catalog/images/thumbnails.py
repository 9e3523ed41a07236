"""What making a thumbnail tells of an image, on its record."""

from sqlalchemy import Connection, func, update

from imageferry.catalog.database.tables import images

READY, FAILED = "ready", "failed"


def note_ready(
    tx: Connection, *, image_id: int, md5: str, placeholder: str, width: int | None, height: int | None
) -> bool:
    """A thumbnail of these bytes stands in the store; False: the record is gone, or of other bytes by now.

    The size is kept where the listing told none.
    """
    told: dict[str, object] = {"thumbnail": READY, "placeholder": placeholder}
    size = {"width": func.coalesce(images.c.width, width), "height": func.coalesce(images.c.height, height)}
    return _note(tx, image_id, md5, told | (size if width and height else {}))


def note_failed(tx: Connection, *, image_id: int, md5: str) -> bool:
    """None can be made of these bytes."""
    return _note(tx, image_id, md5, {"thumbnail": FAILED})


def _note(tx: Connection, image_id: int, md5: str, values: dict[str, object]) -> bool:
    same = (images.c.id == image_id) & (images.c.md5 == md5)
    return tx.execute(update(images).where(same).values(values)).rowcount > 0
