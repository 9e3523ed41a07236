"""A job's files, as they are shown."""

from pydantic import BaseModel, Field

from imageferry.errors import Reason
from imageferry.model import ItemState


class Item(BaseModel):
    """One file of a job; or a folder of it that could not be listed."""

    id: int
    file_id: str = Field(description="The source's.")
    name: str
    path: str = Field(description="Of its folder, below the folder that was imported.")
    mime_type: str
    size: int | None = Field(description="In bytes.")
    state: ItemState
    reason: Reason | None = Field(description="Why it was skipped or failed.")
    detail: str | None = Field(description="The same in one sentence, of this very file.")
    tries: int
    object_key: str | None = Field(description="Below the store's URL.")
    image_id: int | None = Field(description="The record that stands for it.")
    source_url: str | None = Field(description="Its page at the source.")


class ItemPage(BaseModel):
    """Some of a job's files."""

    items: list[Item]
    next: str | None = Field(description="The cursor of the next page; None at the end.")
