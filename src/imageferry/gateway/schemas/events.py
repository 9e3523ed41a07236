"""Data of server-sent events."""

from pydantic import BaseModel, Field


class ImagesStored(BaseModel):
    """Event `images`: a job stored more images, so the list of images has new entries."""

    job_id: str
    stored: int = Field(description="How many files of the job are stored so far.")


class ImagesDeleted(BaseModel):
    """Event `images-deleted`: images were deleted."""

    ids: list[int] | None = Field(description="Null when there are too many to list.")


class JobRemoved(BaseModel):
    """Event `job-removed`: a job was removed from the history."""

    id: str


class Reset(BaseModel):
    """Event `reset`: the events that the client missed are no longer available, so it must reload everything."""
