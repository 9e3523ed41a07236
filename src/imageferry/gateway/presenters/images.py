"""Image records as API responses."""

from typing import Any

from imageferry.catalog.images.records import ImageRow
from imageferry.gateway.schemas.images import Image, ImageDetail, ImageDetails, ImageLinks, ImageLocation
from imageferry.sources.google_drive.urls import NAME as GOOGLE_DRIVE
from imageferry.sources.registry import file_url
from imageferry.stores.urls import object_url


def image_view(row: ImageRow) -> Image:
    """Return an image as lists show it."""
    return Image(**_fields(row))


def image_detail_view(row: ImageRow) -> ImageDetail:
    """Return an image with its camera metadata."""
    details = {name: value for name, value in (row.media or {}).items() if name in ImageDetails.model_fields}
    return ImageDetail(**_fields(row), details=ImageDetails(**details))


def _fields(row: ImageRow) -> dict[str, Any]:
    has_location = row.latitude is not None and row.longitude is not None
    url = f"/api/images/{row.id}"
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
        "location": ImageLocation(latitude=row.latitude, longitude=row.longitude) if has_location else None,
        "placeholder": row.placeholder,
        "thumbnail": row.thumbnail,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        # Browsers cache thumbnails without a time limit, so changed content gets another URL.
        "links": ImageLinks(content=f"{url}/content", thumbnail=f"{url}/thumbnail?v={row.md5[:8]}"),
    }
