"""Overviews of all images, and of some."""

from datetime import date

from pydantic import BaseModel, Field


class DayCount(BaseModel):
    """How many images there are of a day."""

    date: date
    count: int


class Timeline(BaseModel):
    """How images are spread over the days on which they were taken, else stored."""

    total: int
    total_exact: bool = Field(description="False: the buckets are those of the newest images alone.")
    buckets: list[DayCount] = Field(description="The newest first; days without any are left out.")


class Count(BaseModel):
    """How many images there are, and their bytes."""

    count: int
    bytes: int


class TypeCount(Count):
    """The images of a type."""

    mime_type: str


class FolderCount(Count):
    """The images of a folder."""

    folder_id: str
    name: str | None
    path: str | None = Field(description="Below the folder that was imported; empty: it is that folder.")


class CameraCount(Count):
    """The images of a camera."""

    camera: str


class JobCount(Count):
    """The images that a job stored last."""

    job_id: str
    folder_name: str | None


class DayTotal(DayCount):
    """The images of a day, and their bytes."""

    bytes: int


class Facets(BaseModel):
    """What images can be filtered by: of each the 200 that most have."""

    types: list[TypeCount]
    folders: list[FolderCount]
    cameras: list[CameraCount]
    jobs: list[JobCount]
    located: Count


class Stats(BaseModel):
    """All images in figures, as of this moment."""

    images: Count
    types: list[TypeCount]
    folders: list[FolderCount] = Field(description="The 200 largest.")
    days: list[DayTotal] = Field(description="On which they were taken, else stored; the newest first.")
    jobs: dict[str, int] = Field(description="How many jobs are in which state.")
