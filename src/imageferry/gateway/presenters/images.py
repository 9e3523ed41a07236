"""A row of the catalog as the record that is shown."""

from typing import Annotated, Any

from fastapi import HTTPException, Path

from imageferry.catalog.images import records
from imageferry.catalog.images.records import ImageRow
from imageferry.gateway.dependencies import Gateway
from imageferry.gateway.schemas.fields import Id
from imageferry.gateway.schemas.images import Details, Image, ImageDetail, ImageLinks, Location
from imageferry.sources.google_drive.urls import NAME as GOOGLE_DRIVE
from imageferry.sources.registry import file_url
from imageferry.stores.urls import object_url

ImageId = Annotated[Id, Path(description="An image's `id`.")]


async def find(image_id: int, gateway: Gateway) -> ImageRow:
    """A record's row; 404 when there is none of this id."""
    row = await gateway.read(lambda tx: records.get(tx, image_id))
    if row is None:
        raise HTTPException(404, "There is no image of this id.")
    return row


def image(row: ImageRow) -> Image:
    """What every list shows of a record."""
    return Image(**_shown(row))


def image_detail(row: ImageRow) -> ImageDetail:
    """The same, and what else the source tells of the picture."""
    told = {name: value for name, value in (row.media or {}).items() if name in Details.model_fields}
    return ImageDetail(**_shown(row), details=Details(**told))


def _shown(row: ImageRow) -> dict[str, Any]:
    located = row.latitude is not None and row.longitude is not None
    address = f"/api/images/{row.id}"
    return {
        "id": row.id,
        "name": row.name,
        "google_drive_id": row.file_id if row.source == GOOGLE_DRIVE else None,
        "source": row.source,
        "source_url": file_url(row.source, row.file_id),
        "folder_id": row.folder_id,
        "job_id": row.job_id,
        "path": row.path,
        "size": row.size_bytes,
        "mime_type": row.mime_type,
        "storage_path": object_url(row.store, row.object_key),
        "checksum": row.md5,
        "width": row.width,
        "height": row.height,
        "taken_at": row.taken_at,
        "camera": row.camera,
        "location": Location(latitude=row.latitude, longitude=row.longitude) if located else None,
        "placeholder": row.placeholder,
        "thumbnail": row.thumbnail,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        # Thumbnails are kept by browsers for good: other bytes are another address.
        "links": ImageLinks(content=f"{address}/content", thumbnail=f"{address}/thumbnail?v={row.md5[:8]}"),
    }
