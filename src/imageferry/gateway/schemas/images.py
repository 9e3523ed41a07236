"""Images, as they are shown and asked for."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from imageferry.gateway.schemas.fields import Day, Exact, Id, Instant, Size

IDS_MAX = 1000

Ids = Annotated[list[Id], Field(min_length=1, max_length=IDS_MAX)]
Search = Annotated[str, StringConstraints(max_length=200)]


class Location(BaseModel):
    """Where a picture was taken, in degrees."""

    latitude: float
    longitude: float


class ImageLinks(BaseModel):
    """Where its bytes are."""

    content: str
    thumbnail: str = Field(description="Append `&w=256`, 512, 1024 or 2048. Other bytes have another address.")


class Image(BaseModel):
    """The record of a file that is stored and verified."""

    id: int = Field(examples=[4711])
    name: str = Field(description="As the source has it: any characters, not unique.", examples=["IMG_2024.jpg"])
    google_drive_id: str | None = Field(
        description="None when it came from another source.", examples=["1AbCdEfGhIjKlMnOpQrStUvWxYz012345"]
    )
    source: str = Field(examples=["google_drive"])
    source_url: str | None = Field(description="Where people see the file at its source.")
    folder_id: str
    job_id: str = Field(description="The job that stored it last.")
    path: str = Field(description="Of its folder, below the folder that was imported.", examples=["2024/Holiday"])
    size: int = Field(description="In bytes.", examples=[2_345_678])
    mime_type: str = Field(examples=["image/jpeg"])
    storage_path: str = Field(description="The object's full URL in the store.")
    checksum: str = Field(description="The MD5 of the stored bytes, in hex.")
    width: int | None = Field(description="In pixels, as is the height; None: not known yet.")
    height: int | None
    taken_at: datetime | None = Field(description="By the camera's clock, whose zone is not known.")
    camera: str | None
    location: Location | None
    placeholder: str | None = Field(description="A thumbhash in Base64, once a thumbnail was made.")
    thumbnail: Literal["ready", "failed"] | None = Field(description="None: none was asked for yet.")
    created_at: Instant
    updated_at: Instant
    links: ImageLinks


class Details(BaseModel):
    """What the source tells of a picture; None where it does not."""

    lens: str | None = None
    iso: int | None = None
    aperture: float | None = Field(None, description="The f-number.")
    exposure_s: float | None = None
    focal_length_mm: float | None = None
    altitude_m: float | None = None
    rotation: int | None = Field(None, description="In quarter turns clockwise, of the pixels as they are stored.")


class ImageDetail(Image):
    """A record, and what else the source tells of the picture."""

    details: Details


class ImagePage(BaseModel):
    """Some of the images that were asked for."""

    items: list[Image]
    page: int | None = Field(description="None when the list is gone through by cursors.")
    per_page: int
    total: int = Field(description="How many there are in all.")
    total_exact: bool = Field(description="False: `total` is what was seen, and there are more.")
    pages: int
    next: str | None = Field(description="The next page's address; None: this is the last.")
    prev: str | None = Field(
        description="The page before; None: there is none, or the list is gone through by cursors."
    )
    after: str | None = Field(
        description="A cursor that goes on behind the last of these; None: there is nothing more."
    )
    before: str | None = Field(
        description="A cursor of the reverse order, which goes back from the first of these; None: they begin the list."
    )


class ImageFilter(BaseModel):
    """What all images that are meant have. A condition that is not known here is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", strict=False)

    q: Search | None = Field(
        None, description="Words of the name; the last may be only begun.", examples=["holiday img_2"]
    )
    mime_type: Annotated[list[Exact], Field(max_length=50)] = Field([], description="One of these.")
    folder_id: Exact | None = None
    job_id: Exact | None = Field(None, description="Stored by this job last.")
    size_min: Size | None = Field(None, description="In bytes.")
    size_max: Size | None = Field(None, description="In bytes; that many are still in.")
    taken_from: Day | None = Field(None, description="The day it was taken, else stored.", examples=["2024-07-01"])
    taken_to: Day | None = Field(None, description="That day is still in.", examples=["2024-07-31"])
    camera: Exact | None = None
    located: bool | None = Field(None, description="Whether the place is known.")


class Deletion(BaseModel):
    """Which images to delete: these, or all that a filter leaves."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids | None = Field(None, examples=[[4711, 4712]])
    filter: ImageFilter | None = Field(None, description="It has at least one condition.")


class DeletionFailure(BaseModel):
    """An image that is not, or not wholly, deleted."""

    id: int
    detail: str


class Deleted(BaseModel):
    """What became of images that were to be deleted."""

    deleted: int = Field(description="They and their objects are gone.")
    missing: int = Field(description="They were gone before.")
    failed: list[DeletionFailure]


class Archive(BaseModel):
    """Which images to download."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Ids = Field(examples=[[4711, 4712]])
