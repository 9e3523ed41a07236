"""Events, as a client hears them."""

from pydantic import BaseModel, Field


class ImagesStored(BaseModel):
    """Images of a job were stored: there is something new at the head of the gallery."""

    job_id: str
    stored: int = Field(description="Files of the job that are stored by now.")


class ImagesDeleted(BaseModel):
    """Images are gone."""

    ids: list[int] | None = Field(description="Null: they are many.")


class JobRemoved(BaseModel):
    """A job is not in the history any more."""

    id: str


class Missed(BaseModel):
    """What was missed is not kept any more: load everything anew."""
