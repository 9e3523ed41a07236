"""Images: records, pages, filters and the requests that name images."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from imageferry.gateway.schemas.fields import Day, ExactText, Id, Instant, Size

IDS_MAX = 1000

Ids = Annotated[list[Id], Field(min_length=1, max_length=IDS_MAX)]
SearchText = Annotated[str, StringConstraints(max_length=200)]


class ImageLocation(BaseModel):
    """Where an image was taken, in degrees."""

    latitude: float
    longitude: float


class ImageLinks(BaseModel):
    """URLs of the image's content and thumbnail."""

    content: str
    thumbnail: str = Field(
        description="Append `&w=256`, 512, 1024 or 2048 to choose a width. The URL changes when the content changes."
    )


class Image(BaseModel):
    """The record of a stored and verified file."""

    id: int = Field(examples=[4711])
    name: str = Field(
        description="The file name at the source: may contain any characters and isn't unique.",
        examples=["IMG_2024.jpg"],
    )
    google_drive_id: str | None = Field(
        description="Null when the file came from another source.", examples=["1AbCdEfGhIjKlMnOpQrStUvWxYz012345"]
    )
    source: str = Field(examples=["google_drive"])
    source_url: str | None = Field(description="The file's web page at the source.")
    folder_id: str
    job_id: str = Field(description="The job that last stored the image.")
    path: str = Field(
        description="The path of the file's folder, relative to the imported folder.", examples=["2024/Holiday"]
    )
    size: int = Field(description="In bytes.", examples=[2_345_678])
    mime_type: str = Field(examples=["image/jpeg"])
    storage_path: str = Field(description="The full URL of the object in the store.")
    checksum: str = Field(description="The MD5 of the stored bytes, in hexadecimal.")
    width: int | None = Field(description="In pixels, like the height; null when not yet known.")
    height: int | None
    taken_at: datetime | None = Field(description="By the camera's clock; its time zone is unknown.")
    camera: str | None
    location: ImageLocation | None
    placeholder: str | None = Field(description="A thumbhash in Base64; null until a thumbnail has been made.")
    thumbnail: Literal["ready", "failed"] | None = Field(description="Null until a thumbnail has been requested.")
    created_at: Instant
    updated_at: Instant
    links: ImageLinks


class ImageDetails(BaseModel):
    """Camera metadata from the source; null when the source has none."""

    lens: str | None = None
    iso: int | None = None
    aperture: float | None = Field(None, description="The f-number.")
    exposure_s: float | None = None
    focal_length_mm: float | None = None
    altitude_m: float | None = None
    rotation: int | None = Field(None, description="Clockwise quarter turns to apply to the stored pixels.")


class ImageDetail(Image):
    """An image's record with its camera metadata."""

    details: ImageDetails


class ImagePage(BaseModel):
    """One page of a list of images."""

    items: list[Image]
    page: int | None = Field(description="Null when the list is read by cursor.")
    per_page: int
    total: int = Field(description="The number of images in the whole list.")
    total_exact: bool = Field(description="False when `total` is a lower bound.")
    pages: int
    next: str | None = Field(description="The URL of the next page; null on the last page.")
    prev: str | None = Field(
        description="The URL of the previous page; null on the first page, and when the list is read by cursor."
    )
    after: str | None = Field(
        description="A cursor that continues after the last item of this page; null when there is no more."
    )
    before: str | None = Field(
        description="A cursor for the reverse sort order that continues before the first item of this page; null when "
        "the page starts the list."
    )


class ImageFilter(BaseModel):
    """Conditions that an image must meet, all of them. Unknown conditions are rejected."""

    model_config = ConfigDict(extra="forbid", strict=False)

    q: SearchText | None = Field(
        None, description="Words in the name; the last one may be a prefix.", examples=["holiday img_2"]
    )
    mime_type: Annotated[list[ExactText], Field(max_length=50)] = Field([], description="Any of these MIME types.")
    folder_id: ExactText | None = None
    job_id: ExactText | None = Field(None, description="The job that last stored the image.")
    size_min: Size | None = Field(None, description="The minimum size in bytes.")
    size_max: Size | None = Field(None, description="The maximum size in bytes.")
    taken_from: Day | None = Field(
        None, description="The first day, by the day taken, or stored when that is unknown.", examples=["2024-07-01"]
    )
    taken_to: Day | None = Field(None, description="The last day, inclusive.", examples=["2024-07-31"])
    camera: ExactText | None = None
    has_location: bool | None = Field(None, description="Whether the location is known.")


class DeletionRequest(BaseModel):
    """The images to delete: either by `ids` or by `filter`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids | None = Field(None, examples=[[4711, 4712]])
    filter: ImageFilter | None = Field(None, description="Must have at least one condition.")


class DeletionFailure(BaseModel):
    """An image that was not, or not completely, deleted."""

    id: int
    detail: str


class DeletionResult(BaseModel):
    """The result of deleting images."""

    deleted: int = Field(description="Images that were deleted together with their objects.")
    missing: int = Field(description="Images that no longer existed.")
    failed: list[DeletionFailure] = Field(description="Images that were not, or not completely, deleted.")


class ArchiveRequest(BaseModel):
    """The images to download."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids = Field(examples=[[4711, 4712]])
