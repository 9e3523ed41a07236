"""Items: the files of a job."""

from pydantic import BaseModel, Field

from imageferry.errors import Reason
from imageferry.model import ItemState


class Item(BaseModel):
    """One file of a job, or a folder that could not be listed."""

    id: int
    file_id: str = Field(description="The file's id at the source.")
    name: str
    path: str = Field(description="The path of the file's folder, relative to the imported folder.")
    mime_type: str
    size: int | None = Field(description="In bytes.")
    state: ItemState
    reason: Reason | None = Field(description="Why the file was skipped or failed.")
    detail: str | None = Field(description="The reason as a sentence, with details of this file.")
    tries: int
    object_key: str | None = Field(description="The object's key, relative to the store's URL.")
    image_id: int | None = Field(description="The id of the image that the file became.")
    source_url: str | None = Field(description="The file's web page at the source.")


class ItemPage(BaseModel):
    """One page of a job's files."""

    items: list[Item]
    next: str | None = Field(description="The cursor of the next page; null on the last page.")
