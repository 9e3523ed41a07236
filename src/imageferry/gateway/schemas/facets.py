"""Image counts: timeline, facets and statistics."""

from datetime import date

from pydantic import BaseModel, Field


class DayCount(BaseModel):
    """The number of images of one day."""

    date: date
    count: int


class Timeline(BaseModel):
    """The number of images of each day, by the day they were taken, or stored when that is unknown."""

    total: int
    total_exact: bool = Field(description="False when the buckets cover the newest images only.")
    buckets: list[DayCount] = Field(description="Newest first. Days without images are omitted.")


class Count(BaseModel):
    """A number of images and their total size."""

    count: int
    bytes: int


class TypeCount(Count):
    """The images of one MIME type."""

    mime_type: str


class FolderCount(Count):
    """The images of one folder."""

    folder_id: str
    name: str | None
    path: str | None = Field(description="Relative to the imported folder; empty for that folder itself.")


class CameraCount(Count):
    """The images of one camera."""

    camera: str


class JobCount(Count):
    """The images that were last stored by one job."""

    job_id: str
    folder_name: str | None


class DayTotal(DayCount):
    """The number and total size of the images of one day."""

    bytes: int


class Facets(BaseModel):
    """The values that images can be filtered by. Each list has the 200 values with the most images."""

    types: list[TypeCount]
    folders: list[FolderCount]
    cameras: list[CameraCount]
    jobs: list[JobCount]
    has_location: Count


class Stats(BaseModel):
    """Current statistics of all images and jobs."""

    images: Count
    types: list[TypeCount]
    folders: list[FolderCount] = Field(description="The 200 folders with the most images.")
    days: list[DayTotal] = Field(description="By the day taken, or stored when that is unknown. Newest first.")
    jobs: dict[str, int] = Field(description="The number of jobs in each state.")
